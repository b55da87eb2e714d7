# frozen_string_literal: true

require "kino/server/signals"

RSpec.describe Kino.const_get(:Signals) do
  # Signals nothing else in this process wants.
  subject(:signals) { described_class.new(%w[USR1 USR2]) }

  after { signals.close }

  def send_self(name) = Process.kill(name, Process.pid)

  it "tells each signal, in order" do
    signals.trapping do
      send_self(:USR1)
      expect(signals.wait).to eq(Signal.list["USR1"])
      send_self(:USR2)
      expect(signals.wait).to eq(Signal.list["USR2"])
    end
  end

  it "is woken with a token" do
    Thread.new { signals.wake(200) }

    expect(signals.wait).to eq(200)
  end

  it "hands the signals back to whoever had them, whatever happens" do
    seen = Queue.new
    Signal.trap("USR1") { seen << :former }
    expect { signals.trapping { raise "oops" } }.to raise_error("oops")
    send_self(:USR1)

    expect(seen.pop).to eq(:former)
    expect(Signal.trap("USR2", "DEFAULT")).to eq("DEFAULT")
  ensure
    Signal.trap("USR1", "DEFAULT")
  end

  it "leaves those alone that an app has, or that were ignored when the process began, as HUP by nohup" do
    Signal.trap("USR1") { nil }
    Signal.trap("USR2", "IGNORE")
    signals.trapping { expect(signals_had).to match([Proc, "IGNORE"]) }
  ensure
    %w[USR1 USR2].each { |name| Signal.trap(name, "DEFAULT") }
  end

  # Who has the two signals; they are left as they are.
  def signals_had
    %w[USR1 USR2].map { |name| Signal.trap(name, "DEFAULT").tap { |handler| Signal.trap(name, handler) } }
  end

  it "takes INT and TERM whoever has them" do
    former = Signal.trap("TERM") { nil }
    firm = described_class.new(%w[TERM])
    firm.trapping do
      send_self(:TERM)
      expect(firm.wait).to eq(Signal.list["TERM"])
    end
  ensure
    firm.close
    Signal.trap("TERM", former || "DEFAULT")
  end

  it "has nobody hear of those by which a terminal would stop the process" do
    signals.trapping do
      %w[TTIN TTOU].each { |name| expect(Signal.trap(name, "IGNORE")).to be_a(Proc) }
    end
    %w[TTIN TTOU].each { |name| expect(Signal.trap(name, "DEFAULT")).to end_with("DEFAULT") }
  end

  it "takes what comes within a second of what was heard for the same wish" do
    time = 100.0
    allow(signals).to receive(:now) { time }
    expect(signals).not_to be_same_wish
    signals.heard
    expect(signals).to be_same_wish
    time += 1
    expect(signals).not_to be_same_wish
  end

  it "keeps a signal that still means the same from whoever had it before, and hands on a later one" do
    time = 100.0
    signals.define_singleton_method(:now) { time } # no double can be asked in the handler of a signal
    seen = Queue.new
    Signal.trap("USR1", "DEFAULT")
    signals.trapping { signals.heard }
    send_self(:USR1)
    time += 1
    Signal.trap("USR2") { seen << :later }
    send_self(:USR2)

    expect(seen.pop).to eq(:later)
    expect { send_self(:USR1) && sleep }.to raise_error(SignalException, "SIGUSR1")
  ensure
    %w[USR1 USR2].each { |name| Signal.trap(name, "DEFAULT") }
  end

  it "answers with what the block answers" do
    expect(signals.trapping { 5 }).to eq(5)
  end

  it "never blocks a trap handler, however many signals wait to be read" do
    70_000.times { signals.wake(200) }

    expect(signals.wait).to eq(200)
  end

  it "ignores a signal that comes once nobody listens" do
    signals.trapping do
      signals.close
      send_self(:USR1)
      expect { signals.wake(200) }.not_to raise_error
    end
  end

  it "waits where every other thread sleeps for ever, as an app's may, without Ruby calling it a deadlock" do
    script = <<~RUBY
      require "kino/server/signals"
      Thread.new { Queue.new.pop }
      signals = Kino.const_get(:Signals).new
      signals.trapping { $stdout.puts "waiting"; $stdout.flush; print signals.wait }
    RUBY
    lib = File.expand_path("../../lib", __dir__)

    IO.popen([RbConfig.ruby, "-I#{lib}", "-e", script]) do |process|
      expect(process.gets).to eq("waiting\n")
      Process.kill(:TERM, process.pid)
      expect(process.read).to eq("15")
    end
  end
end
