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

      def inherit(listeners, others_serve:) = @told << [:inherit, listeners, others_serve]

      # Tells what it was asked, too.
      def listeners = @listeners ||= Struct.new(:told) { def own_files(is_ours) = told << is_ours }.new([])

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

      attr_accessor :delays

      def hurry
        was_waiting = @delays
        @delays = false
        was_waiting || false
      end

      def drain(timeout, is_replaced: false)
        @told << [:drain, timeout, *(:replaced if is_replaced)]
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

      def control_with(...) = nil

      def attend(...) = nil

      def summoned = 0.0

      def control = nil

      def urls = @configuration.bind.map { |address| address.sub("tcp:", "http:") }
    end
  end

  let(:out) { StringIO.new }
  let(:err) { StringIO.new }
  let(:interrupt) { Signal.list["INT"] }
  let(:terminate) { Signal.list["TERM"] }

  def launcher(signals: Kino.const_get(:Signals).new([]), given: nil, **settings)
    configuration = Kino::Configuration.new(workers: 2, environment: "test", **settings)
    leave = ->(status) { throw :left, [:left, status] }
    described_class.new(configuration, given:, server: server_class, signals:, out:, err:, leave:)
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

  it "says the least and the most of threads" do
    stop_by(terminate, workers: 1, threads: 3..16)

    expect(out.string).to include("threaded: 1 worker x 3 to 16 threads, ")
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

  describe "asked for another server beside this one" do
    # Comes to something at once, if it comes to anything.
    let(:overlap_class) do
      Struct.new(:sockets, :timeout, :look, :on_give_up) do
        def ends = @ends ||= IO.pipe.each_with_index { |io, index| io << "." if index == 1 && look }
        def wire = ends.first
        def pid = 4711
        def patience = timeout
        def given_up? = !!@is_given_up

        def give_up
          @is_given_up = true
          on_give_up&.call
          "it ended"
        end
      end
    end
    let(:overlaps) { [] }
    # What each comes to, and the signals that come once it is given up.
    let(:outcomes) { [:ready] }
    let(:signals) { Kino.const_get(:Signals).new([]) }
    let(:begun) { "Restarting: another server is started beside this one\n" }

    before do
      allow(Kino.const_get(:Overlap)).to receive(:new) do |sockets, timeout|
        outcome, *afterwards = outcomes.shift
        raise outcome if outcome.is_a?(Exception)

        overlaps << overlap_class.new(sockets, timeout, outcome, -> { signal(*afterwards) })
        overlaps.last
      end
    end

    def signal(*names) = names.each { |name| signals.wake(Signal.list.fetch(name)) }

    # Runs until a signal, or another server, stops it; the exit status.
    def live_through(*names, **settings, &block)
      catch(:left) do
        launcher(signals:, **settings).serve(:app) do |server|
          signal(*names)
          block&.call(server)
        end
      end
    end

    %w[USR1 USR2].each do |name|
      it "starts one by #{name}, on the same sockets" do
        live_through(name, restart_timeout: 77)

        expect([overlaps.last.sockets, overlaps.last.timeout]).to eq([made.listeners, 77])
        expect(out.string).to include(begun)
      end
    end

    it "drains once that serves, leaves the sockets to it, and ends with 0" do
      expect(live_through("USR1")).to eq(0)
      expect([made.told, made.listeners.told]).to eq([[:start, [:drain, 30, :replaced]], [false]])
      expect(overlaps.first).not_to be_given_up
      expect([out.string.lines.last, err.string]).to eq(["Stopped\n", ""])
    end

    it "starts no second one while one boots" do
      live_through("USR1", "USR2")

      expect(overlaps.size).to eq(1)
      expect(out.string).to include("#{begun}A restart is under way\n")
    end

    it "goes on as before when that fails, and says why" do
      outcomes.replace([[:failed, "TERM"]])

      expect(live_through("USR1")).to eq(0)
      expect(made.listeners.told).to eq([])
      expect(err.string).to eq("kino: the restart is given up, and all goes on as before: it ended\n")
    end

    it "goes on as before when it can't be started, and says why" do
      outcomes.replace([Errno::ENOENT.new("kino")])

      expect(live_through("USR1", "TERM")).to eq(0)
      expect(err.string).to eq("kino: the restart is given up, and all goes on as before: No such file or directory " \
                               "- kino\n")
    end

    it "starts another after one that has failed" do
      outcomes.replace([[:failed, "USR1"], :ready])

      expect(live_through("USR2")).to eq(0)
      expect([overlaps.size, made.listeners.told]).to eq([2, [false]])
    end

    it "ends it when this one is to stop while it boots" do
      outcomes.replace([nil])

      expect(live_through("USR1", "TERM")).to eq(0)
      expect([overlaps.first.given_up?, made.listeners.told]).to eq([true, []])
      expect(err.string).to eq("")
    end

    it "ends it when this one has ended by other means while it boots" do
      outcomes.replace([nil])

      expect(live_through("USR1", &:end_by_itself)).to eq(0)
      expect(overlaps.first).to be_given_up
    end

    it "ends it when this one ends with an error while it boots" do
      outcomes.replace([nil])
      server_class.prepare = ->(server) { server.on_join = -> { raise "broken" } }

      expect { live_through("USR1", &:end_by_itself) }.to raise_error("broken")
      expect(overlaps.first).to be_given_up
    end

    it "starts none once it drains" do
      expect(live_through("TERM", "USR1", "USR2")).to eq(0)
      expect([overlaps, err.string]).to eq([[], ""])
    end

    it "ends at once on a signal while it drains since another serves" do
      drain = Queue.new
      server_class.prepare = ->(server) { server.on_drain = -> { signal("TERM") && drain.pop } }
      allow(signals).to receive(:same_wish?).and_return(false)

      expect(live_through("USR1")).to eq([:left, 143])
    ensure
      drain << true
    end
  end

  describe "in another server's place" do
    let(:wire) { Struct.new(:told) { def tell(*words) = told << words }.new([]) }
    let(:sockets) { Struct.new(:is_ours) { alias_method :own_files, :is_ours= }.new }
    let(:given) { Struct.new(:listeners, :wire).new(sockets, wire) }

    it "takes its sockets, and tells it once it listens" do
      launcher(given:).serve(:app) do |server|
        expect([server.told, wire.told]).to eq([[[:inherit, sockets, true], :start], []])
        server.command.stop
      end

      expect([wire.told, sockets.is_ours]).to eq([[["ready"]], true])
    end

    it "tells it nothing when it can't listen" do
      server_class.prepare = ->(server) { server.on_start = -> { raise Kino::BindError, "taken" } }

      expect { launcher(given:).serve(:app) }.to raise_error(Kino::BindError)
      expect(wire.told).to eq([])
    end
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
