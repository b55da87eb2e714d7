# frozen_string_literal: true

require "kino/server/signals"

RSpec.describe Kino::Signals do
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
      signals = Kino::Signals.new
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
