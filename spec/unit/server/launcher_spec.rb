# frozen_string_literal: true

require "kino/configuration"
require "kino/server/launcher"
require "stringio"

RSpec.describe Kino.const_get(:Launcher) do
  # Does what a server does for its launcher, and tells what it was asked.
  let(:server_class) do
    Class.new do
      attr_reader :app, :told
      attr_accessor :on_start, :on_join, :on_drain, :mode, :mode_reason, :aborted, :command

      class << self
        attr_accessor :made, :prepare
      end

      def initialize(app, configuration:)
        @app = app
        @configuration = configuration
        @told = []
        @mode = :threaded
        @aborted = []
        self.class.made = self
        self.class.prepare&.call(self)
      end

      def start
        @told << :start
        @on_start&.call
        @running = true
        self
      end

      # By other means than its command.
      def end_by_itself
        @running = false
        command.ended
      end

      def join = @on_join&.call

      def drain(timeout)
        @told << [:drain, timeout]
        drained = @on_drain ? @on_drain.call : true
        @running = false
        command.ended
        drained
      end

      def halt
        @told << :halt
        @running = false
      end

      def running? = @running

      def urls = @configuration.bind.map { |address| address.sub("tcp:", "http:") }
    end
  end

  let(:out) { StringIO.new }
  let(:err) { StringIO.new }
  let(:interrupt) { Signal.list["INT"] }
  let(:terminate) { Signal.list["TERM"] }

  def launcher(signals: Kino.const_get(:Signals).new([]), **settings)
    configuration = Kino::Configuration.new(workers: 2, environment: "test", **settings)
    leave = ->(status) { throw :left, [:left, status] }
    described_class.new(configuration, server: server_class, signals:, out:, err:, leave:)
  end

  # Runs until a signal stops it; the exit status. The second comes much later, unless it is to be the same wish.
  def stop_by(*numbers, same_wish: false, **settings)
    signals = Kino.const_get(:Signals).new([])
    allow(signals).to receive(:same_wish?).and_return(same_wish)
    catch(:left) { launcher(signals:, **settings).serve(:app) { numbers.each { |number| signals.wake(number) } } }
  end

  def made = server_class.made

  it "starts a server for the app and says where it listens" do
    stop_by(terminate, bind: %w[tcp://127.0.0.1:3000 unix:///run/app.sock], threads: 4)

    expect(made.app).to eq(:app)
    expect(out.string.lines.first(5)).to eq([
      "Kino #{Kino::VERSION} (ruby #{RUBY_VERSION}, threaded: 2 workers x 4 threads, test), pid #{Process.pid}\n",
      "2 workers share one lock in mode threaded: they are 8 threads, as -w 1 -t 8 would be\n",
      "Listening on http://127.0.0.1:3000\n", "Listening on unix:///run/app.sock\n", "Ctrl-C drains and stops\n"
    ])
  end

  it "counts one worker and one thread as such" do
    stop_by(terminate, workers: 1, threads: 1)

    expect(out.string).to include("threaded: 1 worker x 1 thread, ")
  end

  it "counts the threads that ractors have where nobody says how many" do
    server_class.prepare = ->(server) { server.mode = :ractor }
    stop_by(terminate)

    expect(out.string).to include("ractor: 2 workers x 1 thread, ")
  end

  it "says which mode it chose and why, where that was left to it" do
    server_class.prepare = ->(server) { server.mode_reason = "the moon is full" }
    stop_by(terminate)

    expect(out.string.lines[1]).to eq("Mode auto: threaded, since the moon is full\n")
  end

  it "says nothing when it is to be quiet" do
    stop_by(terminate, quiet: true)

    expect(out.string).to eq("")
  end

  it "warns all the same of a database pool that is too small" do
    pools = Kino.const_get(:DatabasePool)
    allow(pools).to receive(:here).and_return(pools.new(size: 5, word: "pool"))
    stop_by(terminate, quiet: true)

    expect(out.string).to eq("")
    expect(err.string).to start_with("kino: warning: the database pool has 5 connections for 10 threads")
  end

  it "drains on INT, TERM, QUIT and HUP, and ends with 0" do
    Signal.list.values_at("INT", "TERM", "QUIT", "HUP").each do |signal|
      expect(stop_by(signal, shutdown_timeout: 7)).to eq(0)
      expect(made.told).to eq([:start, [:drain, 7]])
    end
    expect(out.string)
      .to end_with("Stopping: waiting up to 7 s for requests that run (a second signal ends at once)\nStopped\n")
    expect(err.string).to eq("")
  end

  it "ends at once on a second signal, with the status a shell gives it" do
    drain = Queue.new
    server_class.prepare = ->(server) { server.on_drain = -> { drain.pop } }

    expect(stop_by(terminate, interrupt)).to eq([:left, 130])
    expect(stop_by(interrupt, terminate)).to eq([:left, 143])
  ensure
    2.times { drain << true }
  end

  it "takes what comes within a second, by whatever name, for the same wish" do
    drain = Queue.new
    server_class.prepare = ->(server) { server.on_drain = -> { drain.pop } }
    Thread.new { drain << true }

    expect(stop_by(interrupt, terminate, terminate, same_wish: true)).to eq(0)
  end

  it "goes on at signals that mean nothing to it, also while it drains, and says so once for each" do
    stray = Signal.list.values_at("USR1", "USR2", "USR1")

    expect(stop_by(*stray, terminate, *stray)).to eq(0)
    expect(err.string).to eq("kino: SIGUSR1 does nothing here; INT, TERM, QUIT, HUP stop the server\n" \
                             "kino: SIGUSR2 does nothing here; INT, TERM, QUIT, HUP stop the server\n")
  end

  it "drains when it is asked to, as frameworks do" do
    expect(launcher.serve(:app) { |server| server.command.stop }).to eq(0)
    expect(made.told).to eq([:start, [:drain, 30]])
  end

  it "says when requests outlast the drain, and ends with 1 without waiting for them" do
    server_class.prepare = ->(server) { server.on_drain = -> { false } }

    expect(stop_by(terminate, shutdown_timeout: 0.5)).to eq([:left, 1])
    expect(err.string)
      .to eq("kino: requests still ran 0.5 s after the signal (shutdown_timeout); ending without them\n")
  end

  it "names the requests that it ends without" do
    server_class.prepare = lambda do |server|
      server.on_drain = -> { false }
      server.aborted = ["GET /report, for 31.2 s", "POST /import, for 0.7 s"]
    end

    expect(stop_by(terminate)).to eq([:left, 1])
    expect(err.string)
      .to end_with("\nkino: gave up GET /report, for 31.2 s\nkino: gave up POST /import, for 0.7 s\n")
  end

  it "ends without waiting when nobody reads that either" do
    server_class.prepare = ->(server) { server.on_drain = -> { false } }
    allow(err).to receive(:puts).and_raise(Errno::EPIPE)

    expect(stop_by(terminate)).to eq([:left, 1])
  end

  it "ends with 0 when the server is stopped by other means" do
    expect(launcher.serve(:app) { |server| Thread.new { server.end_by_itself } }).to eq(0)
    expect(launcher.serve(:app, &:end_by_itself)).to eq(0)
    expect(made.command).to be_nil
  end

  it "yields the server once it listens" do
    launcher.serve(:app) do |server|
      expect(server).to be(made)
      expect(out.string).to include("Listening on")
      server.end_by_itself
    end
  end

  it "leaves nothing running when it can't listen" do
    server_class.prepare = ->(server) { server.on_start = -> { raise Kino::BindError, "taken" } }

    expect { launcher.serve(:app) }.to raise_error(Kino::BindError, "taken")
    expect(made.told).to eq([:start])
    expect(out.string).to eq("")
  end

  it "leaves nothing running when its caller raises" do
    expect { launcher.serve(:app) { raise "oops" } }.to raise_error("oops")
    expect(made.told).to eq(%i[start halt])
  end

  it "passes on an error the running server ends with" do
    server_class.prepare = ->(server) { server.on_join = -> { raise "broken" } }

    expect { launcher.serve(:app) { |server| server.command.ended } }.to raise_error("broken")
    expect(made.told).to eq(%i[start halt])
  end

  it "passes on an error the drain ends with" do
    server_class.prepare = ->(server) { server.on_drain = -> { raise "broken" } }

    expect { stop_by(terminate) }.to raise_error("broken")
  end

  it "serves on when nobody reads what it says any more" do
    allow(out).to receive(:puts).and_raise(Errno::EPIPE)

    expect(stop_by(terminate)).to eq(0)
  end

  it "gives the signals back" do
    former = Signal.trap("TERM", "DEFAULT")
    launcher = described_class.new(Kino::Configuration.new(quiet: true), server: server_class, out:, err:)

    expect(launcher.serve(:app, &:end_by_itself)).to eq(0)
    expect(Signal.trap("TERM", former || "DEFAULT")).to eq("DEFAULT")
  end
end
