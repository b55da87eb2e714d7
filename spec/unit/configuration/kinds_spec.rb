# frozen_string_literal: true

require "kino/configuration"
require "pathname"
require "tmpdir"
require "support/refusal"

RSpec.describe Kino::Configuration::Kinds do
  include Refusal

  def value(name, given) = Kino::Configuration.new(name => given).public_send(name)

  describe "a whole number" do
    it "is an Integer, or text that reads like one" do
      expect(value(:threads, 15)).to eq(15)
      expect(value(:threads, "15")).to eq(15)
      expect(value(:threads, "08")).to eq(8)
    end

    it "is nothing else, and within its bounds" do
      others = [0, 1025, -1, 5.0, "0", "1025", "5.0", "", "five", nil, true, [5], :five]

      expect(others.map { |given| refusal(:threads, given) })
        .to all(end_with("allowed: an Integer from 1 to 1024, or MIN:MAX; write threads: 5"))
    end

    it "may be a least and a most, where it is threads" do
      said = ["3:16", 3..16, "0:16", 0..16, "5:5", 5..5, "5", 1..1024].map do |given|
        Kino::Configuration.new(threads: given).then { |made| [made.min_threads, made.threads] }
      end
      expect(said).to eq([[3, 16], [3, 16], [1, 16], [1, 16], [5, 5], [5, 5], [5, 5], [1, 1024]])
      expect(refusal(:threads, "6:5")).to start_with('threads: given "6:5", whose least is more than its most; ')
      expect(refusal(:threads, 6..5)).to start_with("threads: given 6..5, whose least is more than its most; ")
      others = ["0:0", "1:1025", 1..1025, 1.., 1...5, "a".."b", 1.0..5, 1..5.5, "1:", ":5", "1:2:3"]
      expect(others.map { |one| refusal(:threads, one) })
        .to all(end_with("allowed: an Integer from 1 to 1024, or MIN:MAX; write threads: 5"))
      expect(refusal(:workers, "0:5")).to start_with('workers: given "0:5", allowed: ')
    end

    it "may be a word that stands for a number" do
      expect(value(:workers, "auto")).to eq(Kino::Configuration::Cpus.count)
      expect(value(:workers, :auto)).to eq(Kino::Configuration::Cpus.count)
      expect(refusal(:workers, "many")).to include("an Integer from 1 to 1024 or auto")
    end

    it "keeps to its bounds whatever a word stands for" do
      allow(Kino::Configuration::Cpus).to receive(:count).and_return(5000)

      expect([value(:workers, :auto), value(:processes, "auto")]).to eq([1024, 256])
    end

    it "is one process where Puma has 0 of them" do
      expect([0, "0", 1, "256", 2].map { |given| value(:processes, given) }).to eq([1, 1, 1, 256, 2])
      expect([-1, 257, 0.0, "00", "", nil, "many", false].map { |given| refusal(:processes, given) })
        .to all(end_with("allowed: an Integer from 1 to 256 or auto; write processes: 4"))
    end
  end

  describe "a length of time" do
    it "is an Integer or a Float, or text that reads like one" do
      expect(value(:header_timeout, 2)).to eq(2)
      expect(value(:header_timeout, 0.5)).to eq(0.5)
      expect(value(:header_timeout, "2")).to eql(2)
      expect(value(:header_timeout, "2.5")).to eql(2.5)
    end

    it "is nothing else, and within its bounds" do
      others = [0, 0.05, 86_401, -1, Float::INFINITY, Float::NAN, "soon", "", nil, 1r]

      expect(others.map { |given| refusal(:header_timeout, given) })
        .to all(end_with("allowed: a number of seconds from 0.1 to 86400; write header_timeout: 15"))
    end

    it "may be nothing at all when stopping" do
      expect(value(:shutdown_timeout, 0)).to eq(0)
    end
  end

  describe "a choice" do
    it "is one of the names, as a Symbol or as text" do
      expect([:threaded, "threaded", ":threaded"].map { |given| value(:mode, given) }).to all(be(:threaded))
      expect([:ractor, "ractor", ":ractor"].map { |given| value(:mode, given) }).to all(be(:ractor))
    end

    it "is nothing else; the nearest name is shown" do
      expect(refusal(:mode, "tread"))
        .to eq('mode: given "tread", allowed: threaded, ractor or auto; write mode: :threaded')
      expect(refusal(:mode, :reactor)).to end_with("write mode: :ractor")
      expect(refusal(:mode, "aut")).to end_with("write mode: :auto")
      expect(refusal(:mode, nil))
        .to eq("mode: given nil, allowed: threaded, ractor or auto; write mode: :threaded")
    end

    it "says why a name that people will try is not allowed" do
      choice = described_class::Choice.new(:threaded, :auto, refused: { fast: "which all of them are" })

      expect { choice.call("fast") }.to raise_error(described_class::Rejected, "which all of them are")
      expect(choice.allowed).to eq("threaded or auto")
    end
  end

  describe "a size" do
    it "is bytes, or text with a unit" do
      sizes = { 16_777_216 => 16 * 1024**2, "16777216" => 16 * 1024**2, "16777216B" => 16 * 1024**2,
                "16384KB" => 16 * 1024**2, "512MB" => 512 * 1024**2, "512 mb" => 512 * 1024**2, "512M" => 512 * 1024**2,
                "512MiB" => 512 * 1024**2, "512Mi" => 512 * 1024**2, "1.5GB" => 1536 * 1024**2, "1TB" => 1024**4 }

      expect(sizes.keys.map { |given| value(:recycle_memory, given) }).to eq(sizes.values)
      expect(value(:recycle_memory, "0.1GB")).to eql(107_374_182)
    end

    it "is nothing else, and within its bounds" do
      others = ["15MB", "1.1TB", 0, -1, 512, 512.0, "", "MB", "512 apples", "-512MB", "512MBB", "5e9", true, [512]]

      expect(others.map { |given| refusal(:recycle_memory, given) })
        .to all(end_with('allowed: a size such as "512MB", or bytes, from 16MB to 1TB, or nil for no limit; write ' \
                         'recycle_memory: "512MB"'))
      expect(refusal(:recycle_memory, "1KB")).to start_with('recycle_memory: given "1KB", allowed: a size')
    end

    it "is none where it may be" do
      expect([nil, "nil"].map { |given| value(:recycle_memory, given) }).to eq([nil, nil])
    end
  end

  describe "numbers for the first time, the second and so on" do
    it "are one, or several, or text, frozen" do
      { 1000 => [1000], "1000" => [1000], [50, 100] => [50, 100], "50, 100" => [50, 100], ["50"] => [50],
        [50, 100, false] => [50, 100, false], "50,false" => [50, false] }.each do |given, kept|
        expect(value(:refork_after, given)).to eq(kept).and be_frozen
      end
      given = [50, 100]
      expect { value(:refork_after, given) }.not_to(change { given })
      expect(given).not_to be_frozen
    end

    it "are none for never" do
      expect([false, "false", nil, "nil", [], [false]].map { |given| value(:refork_after, given) }).to all(eq([]))
    end

    it "are nothing else" do
      others = [0, "0", -1, 1.5, "", ",", "50,", true, "soon", [0], [false, 50], [50, nil], [[50]], { 50 => 1 }, 1..3]

      expect(others.map { |given| refusal(:refork_after, given) })
        .to all(end_with("allowed: an Integer from 1, several such as [1000, 10000, false], or false for never; " \
                         "write refork_after: 1000"))
    end
  end

  describe "a hook" do
    let(:one) { ->(_) {} }
    let(:other) { Class.new { def self.call(_) = nil } }

    it "is something to call, or several, in their order" do
      expect(value(:on_worker_boot, one)).to eq([one])
      expect(value(:on_worker_boot, other)).to eq([other])
      expect(value(:on_worker_stop, [other, one])).to eq([other, one])
      expect(value(:on_worker_stop, [])).to eq([])
    end

    it "keeps a list of its own, which is frozen" do
      given = [one]
      kept = value(:on_worker_boot, given)
      given << other

      expect(kept).to eq([one]).and be_frozen
    end

    it "is nothing else; a block is shown" do
      cure = 'allowed: a block, or an object with a method call; ' \
             'write on_worker_boot { |worker| warn "worker #{worker}" }'

      expect(refusal(:on_worker_boot, "connect")).to eq("on_worker_boot: given \"connect\", #{cure}")
      expect([nil, true, 5, :connect].map { |given| refusal(:on_worker_boot, given) }).to all(end_with(cure))
      expect(refusal(:on_worker_boot, [one, :connect])).to end_with(cure)
    end
  end

  describe "the settings of processes" do
    it "say what they are for when they are refused" do
      timeout = "a number of seconds from 0.1 to 86400"
      { preload: [5, "true or false; write preload: false"],
        process_timeout: [0, "#{timeout}, or nil for no such watch; write process_timeout: 60"],
        restart_timeout: [nil, "#{timeout}; write restart_timeout: 120"],
        recycle_requests: [0, "an Integer from 1 to 1000000, or nil for no limit; write recycle_requests: 100000"],
        before_fork: [5, "a block, or an object with a method call; write before_fork { CACHE.disconnect }"],
        on_refork: [5, "a block, or an object with a method call; write on_refork { CACHE.disconnect }"],
        on_warmup: [5, 'a block, or an object with a method call; write on_warmup { |app| app.get("/login") }'],
        on_process_exit: [5, "a block, or an object with a method call; write on_process_exit { CACHE.disconnect }"],
        on_process_boot: [5, "a block, or an object with a method call; write on_process_boot { |process| " \
                             "CACHE.connect(process) }"] }.each do |name, (given, allowed)|
        expect(refusal(name, given)).to eq("#{name}: given #{given.inspect}, allowed: #{allowed}")
      end
    end
  end

  describe "a yes or no" do
    it "is true or false, or the text" do
      expect([true, "true", false, "false"].map { |given| value(:quiet, given) }).to eq([true, true, false, false])
    end

    it "is nothing else" do
      expect([nil, "yes", 1, ""].map { |given| refusal(:quiet, given) })
        .to all(end_with("allowed: true or false; write quiet: true"))
    end
  end

  describe "a text" do
    it "is a String, a Symbol or a Pathname of the shape that is asked for" do
      expect(value(:environment, :staging)).to eq("staging")
      expect(value(:rackup, Pathname("a/b.ru"))).to eq("a/b.ru")
    end

    it "is nothing else" do
      expect(["", "two words", nil, 5, "a=b"].map { |given| refusal(:environment, given) })
        .to all(end_with('allowed: a word such as production; write environment: "production"'))
      expect(["", "a\0b", nil].map { |given| refusal(:rackup, given) })
        .to all(end_with('allowed: the path of a file; write rackup: "config.ru"'))
    end
  end

  describe "a folder" do
    it "is one that exists, kept by its full path" do
      Dir.mktmpdir do |folder|
        expect(value(:spool_dir, folder)).to eq(folder)
        expect(value(:spool_dir, Pathname(folder))).to eq(folder)
        Dir.chdir(folder) { expect(value(:spool_dir, ".")).to eq(File.realpath(folder)) }
      end
    end

    it "is nothing else" do
      expect(refusal(:spool_dir, __FILE__))
        .to start_with("spool_dir: given #{__FILE__.inspect}, which is not a folder; ")
      expect(refusal(:spool_dir, "/nowhere/at/all")).to include("which is not a folder")
      expect([nil, "", 5].map { |given| refusal(:spool_dir, given) }).to all(include("allowed: a folder"))
    end

    it "is one this process may write to" do
      folder = Dir.tmpdir
      allow(File).to receive(:writable?).and_call_original
      allow(File).to receive(:writable?).with(folder).and_return(false)

      expect(refusal(:spool_dir, folder)).to include("which this process may not write to")
    end

    it "is by default one that may be gone, or not writable: only long bodies need it" do
      allow(File).to receive(:writable?).and_return(false)
      expect(Kino::Configuration.new.with(threads: 1).spool_dir).to eq(Dir.tmpdir)
      allow(Dir).to receive(:tmpdir).and_raise(ArgumentError, "could not find a temporary directory")
      expect(Kino::Configuration.new.with(threads: 1).spool_dir).to eq(ENV.fetch("TMPDIR", "/tmp"))
    end
  end

  describe "a handler" do
    it "is nil, or whatever can be called with three arguments or fewer" do
      all = [nil, -> {}, ->(_error, _env, _status, more = 1) { more }, ->(*) {}, proc { |error| error }, method(:Array)]
      expect(all.map { |given| value(:lowlevel_error_handler, given) }).to eq(all)
    end

    it "is nothing else" do
      expect(refusal(:lowlevel_error_handler, 5)).to include("which takes 3 arguments or fewer, or nil for none; write")
      expect(refusal(:lowlevel_error_handler, ->(_, _, _, _) {}))
        .to include(", which takes 4 arguments; allowed: a block, or an object with a method call, which takes 3")
    end
  end

  describe "a limit that may be lifted" do
    it "is nil or the text for it, or a number within its bounds" do
      expect([nil, "nil", 5, "5"].map { |given| value(:max_body_size, given) }).to eq([nil, nil, 5, 5])
      expect([nil, "nil", 0.5, "60"].map { |given| value(:stuck_timeout, given) }).to eq([nil, nil, 0.5, 60])
      expect(refusal(:max_body_size, -1))
        .to include("allowed: an Integer from 0 to 1125899906842624, or nil for no limit; write")
      expect(refusal(:stuck_timeout, 0))
        .to end_with("a number of seconds from 0.1 to 86400, or nil for no limit; write stuck_timeout: 60")
    end
  end
end
