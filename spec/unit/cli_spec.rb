# frozen_string_literal: true

require "json"
require "kino/cli"
require "stringio"
require "tmpdir"

RSpec.describe Kino::CLI do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  # What the command with these arguments says and how it ends.
  def kino(*argv)
    out, err = StringIO.new, StringIO.new
    status = described_class.new(argv, out: out, err: err).run
    [status, out.string, err.string]
  end

  it "prints the version" do
    expect(kino("--version")).to eq([0, "Kino #{Kino::VERSION}\n", ""])
    expect(kino("-v")).to eq(kino("--version"))
  end

  it "prints a help that has every flag" do
    status, out, err = kino("--help")

    expect([status, err]).to eq([0, ""])
    settings = Kino::Configuration::Settings::TABLE.values.flat_map(&:flags)
    expect(settings + %w[-C --config --check --format --request --init -v --version -h --help])
      .to all(satisfy { |flag| out.include?(flag) })
    expect(out)
      .to include("-t, --threads N            threads in each worker, or MIN:MAX (default 5; 1 in mode :ractor)\n")
    expect(out).to include("--processes N          processes to fork from one booted app (default 1)\n")
    expect(out.lines(chomp: true)).to all(satisfy { |line| line.size <= 105 })
    expect(kino("-h")).to eq(kino("--help"))
  end

  it "checks an app, and ends with whether it runs in ractors" do
    File.write("config.ru", "# frozen_string_literal: true\nrun Module.new { def self.call(_env) = [200, {}, []] }\n")
    status, out, err = kino("--check")
    expect([status, err]).to eq([0, ""])
    expect(out).to start_with("config.ru runs in :ractor mode.")
      .and include("Trial: GET / in a ractor answered 200.")

    File.write("other.ru", "puts 'loading'\nrun ->(_env) { [200, {}, []] }\n")
    status, out, err = kino("--check", "other.ru", "--format", "json")
    expect([status, err]).to eq([1, "loading\n"])
    expect(JSON.parse(out)).to include("rackup" => "other.ru", "ractor" => false)
  end

  describe "on a terminal" do
    let(:names) { %w[NO_COLOR FORCE_COLOR TERM] }

    around do |example|
      before = ENV.to_h.slice(*names)
      names.each { |name| ENV.delete(name) }
      example.run
    ensure
      names.each { |name| ENV[name] = before[name] }
    end

    # All that the command writes to a terminal.
    def shown(*argv)
      terminal = StringIO.new.tap { |io| def io.tty? = true }
      described_class.new(argv, out: terminal, err: terminal).run
      terminal.string
    end

    it "has colours, unless NO_COLOR is set" do
      File.write("config.ru", "run ->(_env) { [200, {}, []] }\n")

      expect(shown("--check"))
        .to start_with("\e[1;31mconfig.ru can't run in :ractor mode").and include("\e[1mNext:\e[0m\n")
      expect(shown("--chekc")).to start_with("\e[1;31mkino:\e[0m --chekc: there is no such option")
      expect(shown("--check", "--format", "json")).not_to include("\e[")
      expect(shown("--help")).not_to include("\e[")
      ENV["NO_COLOR"] = "1"
      expect(shown("--check") + shown("--chekc")).not_to include("\e[")
    end

    it "has them elsewhere where FORCE_COLOR wants them" do
      expect(kino("--chekc").last).to start_with("kino: ")
      ENV["FORCE_COLOR"] = "1"
      expect(kino("--chekc").last).to start_with("\e[1;31mkino:\e[0m ")
    end
  end

  it "asks what it is told to, and says why an app can't be loaded" do
    File.write("config.ru", <<~RUBY)
      run Module.new { def self.call(env) = [env["PATH_INFO"] == "/a" ? 204 : 404, {}, []] }
    RUBY
    expect(kino("--check", "--request", "GET /a")[1]).to include("Trial: GET /a in a ractor answered 204.")
    expect(kino("--check", "missing.ru")).to match([1, "", start_with("kino: missing.ru: no such file")])
  end

  it "writes a kino.rb, and never over one" do
    expect(kino("--init")).to eq([0, "Wrote kino.rb: every setting, explained and commented out\n", ""])
    expect(kino("--init")).to eq([1, "", "kino: kino.rb exists already and is left as it is; " \
                                         "name another file: kino --init FILE\n"])
    expect(kino("--init", "other.rb").first).to eq(0)
    expect(File.read("other.rb")).to eq(File.read("kino.rb"))
    expect(kino("--init", "-")).to eq([0, File.read("kino.rb"), ""])
    expect(File).not_to exist("-")
  end

  it "says what can't be used, on standard error, and ends with 1" do
    expect(kino("--threads", "lots"))
      .to eq([1, "", "kino: --threads: given \"lots\", allowed: an Integer from 1 to 1024, or MIN:MAX; " \
                     "write --threads 5\n"])
  end

  it "reads kino.rb before it loads anything else" do
    File.write("kino.rb", "threads 0")

    expect(kino)
      .to eq([1, "", "kino: kino.rb:1: threads: given 0, allowed: an Integer from 1 to 1024, or MIN:MAX; " \
                     "write threads 5\n"])
  end

  it "ends as a shell tells a signal when one comes before the app is loaded" do
    cli = described_class.new([], out: StringIO.new, err: StringIO.new)
    allow(Kino::Configuration).to receive(:load).and_raise(SignalException, "TERM")
    expect(cli.run).to eq(143)

    allow(Kino::Configuration).to receive(:load).and_raise(Interrupt)
    expect(cli.run).to eq(130)
  end
end
