# frozen_string_literal: true

require "fileutils"
require "rbconfig"
require "tmpdir"

# All of it in processes of their own: it tells of how a process was started.
RSpec.describe "Kino::Relaunch" do
  # Sockets and a scoreboard, as the native side has them, but that files are in their place.
  natives = <<~'RUBY'
    require "kino/processes/relaunch"

    module Kino
      module Native
        Listeners = Struct.new(:text, :is_shared) do
          def self.inherit(text, is_shared) = new(text, is_shared)
          def files = @files ||= %w[first second].map { |name| File.open(File.join(__dir__, name)) }
          def handed_on = files.map(&:fileno)
          def describe = files.zip(%w[tcp unix]).map { |file, kind| "#{file.fileno}=#{kind}" }
        end
        def self.die_with(_) = true
        Scoreboard = Struct.new(:fileno) { def self.open(number) = new(number) }
      end
    end

    Relaunch = Kino.const_get(:Relaunch)
    Relaunch.remember
  RUBY

  let(:folder) { File.realpath(Dir.mktmpdir) }

  before do
    %w[first second board].each { |name| File.write(File.join(folder, name), "I am #{name}") }
  end

  after { FileUtils.rm_rf(folder) }

  # Runs that, and then what the same command is to do that it starts; gives what is printed.
  define_method(:run) do |first, second, *arguments, from: folder, environment: {}, title: nil, early: nil|
    path = File.join(folder, "command.rb")
    File.write(path, <<~RUBY)
      #{title}
      #{natives}
      #{early}
      if (given = Relaunch.take)
        #{second}
      else
        #{first}
      end
    RUBY
    lib = File.expand_path("../../../lib", __dir__)
    command = [RbConfig.ruby, "--disable=gems", "-I#{lib}", "-W2", path, *arguments]
    IO.popen([{ "RUBYOPT" => nil, **environment }, *command, { chdir: from, err: %i[child out] }], &:read)
  end

  # What a server tells that is started again; the first one prints it.
  def relaunched(second, *arguments, before: "", kind: ":server", **options)
    run(<<~RUBY, second, *arguments, **options)
      board = File.open(File.join(__dir__, "board"))
      listeners = Kino::Native::Listeners.new
      #{before}
      wire, pid = Relaunch.start(#{kind}, listeners, #{kind} == :mold ? board : nil)
      while (message = wire.wait)
        puts message
      end
      Process.wait(pid)
      puts "ended: \#{$?.exitstatus}"
    RUBY
  end

  it "gives nothing to a process that was not started so" do
    expect(run("p given", "")).to eq("nil\n")
  end

  it "starts the command once more, and a wire to it" do
    expect(relaunched('given.wire.tell("ready", $$, Process.ppid); exit 3'))
      .to match(/\Aready\n(?!(\d+)\n\1)\d+\n\d+\nended: 3\n\z/)
  end

  it "tells it, too" do
    expect(relaunched("given.wire.tell(*given.wire.wait)", before: <<~RUBY)).to eq("stay\nended: 0\n")
      class << Relaunch
        alias_method :plain, :start
        def start(...) = plain(...).tap { |wire, _| wire.tell("stay") }
      end
    RUBY
  end

  it "gives it the sockets, under the numbers that they have there" do
    second = <<~'RUBY'
      numbers = given.listeners.text.scan(/(\d+)=/).flatten
      given.wire.tell(given.listeners.text.gsub(/\d+/, "n"), *numbers.map { |number| IO.for_fd(number.to_i).read })
    RUBY

    expect(relaunched(second)).to eq("n=tcp n=unix\nI am first\nI am second\nended: 0\n")
  end

  it "gives it nothing that a program could have which it starts before it takes that, or after" do
    listing = 'IO.popen(["ls", "-l", "/proc/self/fd"], &:read).scan(/ -> (.*)$/).flatten.grep(/socket:|#{__dir__}/)'

    expect(relaunched("given.wire.tell(BEFORE, (#{listing}).inspect)", early: "BEFORE = (#{listing}).inspect"))
      .to eq("[]\n[]\nended: 0\n")
  end

  it "says so where its starter has ended before it has all" do
    expect(relaunched("", before: <<~'RUBY')).to match(/can't take over what another server listens on: that has ended/)
      class << Kino.const_get(:Wire)
        alias_method :plain, :pair
        def pair = plain.tap { |ours, _| def ours.tell(...) = to_io.closed? || close }
      end
      wire, pid = Relaunch.start(:server, listeners)
      Process.wait(pid)
      exit
    RUBY
  end

  it "gives a server no scoreboard: it has its own; and no file of a socket until it takes over" do
    expect(relaunched("given.wire.tell(given.kind, given.mold?, given.listeners.is_shared, given.scoreboard.inspect)"))
      .to eq("server\nfalse\nfalse\nnil\nended: 0\n")
  end

  it "gives a mold the scoreboard: its processes are this server's" do
    second = <<~RUBY
      given.wire.tell(given.kind, given.mold?, given.listeners.is_shared, IO.for_fd(given.scoreboard.fileno).read)
    RUBY

    expect(relaunched(second, kind: ":mold")).to eq("mold\ntrue\nfalse\nI am board\nended: 0\n")
  end

  it "gives each what it was given once" do
    expect(relaunched("given.wire.tell(Relaunch.take.inspect)")).to eq("nil\nended: 0\n")
  end

  it "starts it with the same words, whatever is in them" do
    expect(relaunched("given.wire.tell(*ARGV)", "-b", "tcp://[::]:80", "", "two words", "zażółć", "$HOME;*", "last"))
      .to eq("-b\ntcp://[::]:80\n\ntwo words\nzażółć\n$HOME;*\nlast\nended: 0\n")
  end

  it "starts it with what Ruby itself was told" do
    expect(relaunched("given.wire.tell($-w.inspect, $:.first == '#{File.expand_path("../../../lib", __dir__)}')"))
      .to eq("true\ntrue\nended: 0\n")
  end

  it "starts it with the environment that this one was started with, not with what it has set since" do
    second = 'given.wire.tell(*ENV.values_at("TOLD", "SET").map(&:inspect), ENV.key?("KINO_INHERITED"))'

    expect(relaunched(second, environment: { "TOLD" => "a=b\nc" }, before: 'ENV["TOLD"] = ENV["SET"] = "since"'))
      .to eq("#{"a=b\nc".inspect}\nnil\nfalse\nended: 0\n")
  end

  it "leaves out what a service manager has told this one alone, and tells molds nothing of it" do
    second = "given.wire.tell(*ENV.keys.grep(/LISTEN|NOTIFY|WATCHDOG/).sort)"
    names = %w[LISTEN_FDS LISTEN_PID LISTEN_FDNAMES NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID]
    environment = names.to_h { |name| [name, "1"] }

    expect(relaunched(second, environment:)).to eq("NOTIFY_SOCKET\nWATCHDOG_USEC\nended: 0\n")
    expect(relaunched(second, kind: ":mold", environment:)).to eq("\nended: 0\n").or eq("ended: 0\n")
  end

  it "starts it where this one was started, wherever it is now, and by whatever title" do
    before = "Dir.chdir('/'); Process.setproctitle('kino')"

    expect(relaunched("given.wire.tell(Dir.pwd, *ARGV)", "word", before: before))
      .to eq("#{folder}\nword\nended: 0\n")
  end

  it "starts it by bundle exec again, which has made its title that of what it runs" do
    File.write(bundle = File.join(folder, "bundle.rb"), <<~RUBY)
      abort "not exec" unless ARGV.shift == "exec"
      $LOAD_PATH.unshift(#{File.expand_path("../../../lib", __dir__).dump})
      load($PROGRAM_NAME = ARGV.shift)
    RUBY
    title = +"ENV['BUNDLE_BIN_PATH'] = #{bundle.dump}; Process.setproctitle([__FILE__, *ARGV].join(' '))"

    expect(relaunched("given.wire.tell(*ARGV)", "a word", "another", title: title)).to eq("a word\nanother\nended: 0\n")
    title << "; ARGV.clear unless ENV.key?('KINO_INHERITED')" # as those do that take the words they know
    expect(relaunched("given.wire.tell(*ARGV)", "word", title: title)).to eq("word\nended: 0\n")
  end

  it "stops no process whose title was too long for all that was there to be told" do
    expect(run("print :fine", "", title: 'Process.setproctitle("title" * 100_000)')).to eq("fine")
  end

  it "follows a link that has moved on to another folder since" do
    %w[one two].each { |name| Dir.mkdir(File.join(folder, name)) }
    link = File.join(folder, "current")
    File.symlink("one", link)
    move = "File.delete('#{link}'); File.symlink('two', '#{link}')"

    expect(relaunched("given.wire.tell(Dir.pwd)", before: move, from: link, environment: { "PWD" => link }))
      .to eq("#{folder}/two\nended: 0\n")
  end

  it "doesn't follow a PWD that is another folder's" do
    expect(relaunched("given.wire.tell(Dir.pwd)", environment: { "PWD" => "/" })).to eq("#{folder}\nended: 0\n")
  end

  it "has rails server find no pid file of this one, and each find another" do
    second = 'given.wire.tell(File.exist?(ENV["PIDFILE"]), ENV["PIDFILE"])'
    first = relaunched(second, environment: { "PIDFILE" => "#{folder}/first" })

    expect(first).to match(%r{\Afalse\n/.*/kino-\d+-\d+\.pid\nended: 0\n\z})
    expect(relaunched(second)).not_to eq(first)
  end

  it "needs no temporary folder" do
    before = "Dir.singleton_class.prepend(Module.new { def tmpdir = raise(ArgumentError, 'none') })"

    expect(relaunched('given.wire.tell(ENV["PIDFILE"])', before: before)).to match(%r{\A/tmp/kino-.*\nended: 0\n\z})
  end

  it "starts one that can start another" do
    second = <<~'RUBY'
      board = File.open(File.join(__dir__, "board"))
      next_wire, pid = Relaunch.start(:mold, Kino::Native::Listeners.new, board) unless given.mold?
      given.wire.tell(given.kind, *next_wire&.wait, ARGV.first)
      Process.wait(pid) if pid
    RUBY

    expect(relaunched(second, "word")).to eq("server\nmold\nword\nword\nended: 0\n")
  end

  it "leaves its end of the wire to nobody else: whoever that one starts in turn" do
    second = <<~'RUBY'
      held = IO.popen(["ls", "-l", "/proc/self/fd"], &:read).lines.grep(/ #{given.wire.to_io.fileno} -> socket/)
      given.wire.tell(held.size)
    RUBY

    expect(relaunched(second)).to eq("0\nended: 0\n")
  end

  it "keeps the other end of the wire to itself" do
    expect(relaunched("given.wire.tell(given.wire.to_io.eof? && 'its starter is gone')", before: <<~RUBY)).to eq("")
      $stdout.flush
      wire, pid = Relaunch.start(:server, listeners)
      wire.close
      Process.wait(pid)
      exit!(0)
    RUBY
  end

  it "says so when it can't be started, and holds nothing open" do
    Dir.mkdir(File.join(folder, "gone"))
    before = <<~'RUBY'
      Dir.rmdir(File.join(__dir__, "gone"))
      listeners.handed_on
      open = -> { Dir.children("/proc/self/fd").size }
      count = open.call
      begin
        Relaunch.start(:server, listeners)
      rescue SystemCallError => error
        puts error.class, open.call - count
      end
      exit
    RUBY

    expect(relaunched("", before: before, from: File.join(folder, "gone"))).to eq("Errno::ENOENT\n0\n")
  end
end
