# frozen_string_literal: true

require "kino/server/service_manager"

RSpec.describe Kino.const_get(:ServiceManager) do
  # Collects what it is told.
  let(:socket) do
    Struct.new(:told, :quiet) { def tell(text) = told << text }.new([], false)
  end

  let(:native) { Class.new { def self.open(_) = nil } }

  before { stub_const("Kino::Native", Module.new).const_set(:NotifySocket, native) }

  def taken(env, **options)
    allow(native).to receive(:open).and_return(socket)
    described_class.take(env, **options)
  end

  it "is there where the environment says so, which says so to nobody else from then on" do
    env = { "NOTIFY_SOCKET" => "/run/notify", "WATCHDOG_USEC" => "2000000", "WATCHDOG_PID" => Process.pid.to_s,
            "A" => "b" }
    manager = taken(env)

    expect([manager.there?, env]).to eq([true, { "A" => "b" }])
    expect(native).to have_received(:open).with("/run/notify")
    expect(manager.reporting("all")).to eq(notify_socket: socket, watchdog: 2.0, serving: "all")
  end

  it "is none where the environment doesn't say so, or what it says can't be used" do
    allow(native).to receive(:open).and_return(nil)
    [{}, { "NOTIFY_SOCKET" => "vsock:2:1" }].each do |env|
      manager = described_class.take(env)
      expect([manager.there?, manager.reporting("all"), manager.ready]).to eq([false, {}, nil])
    end
  end

  it "watches no other process, and for no time that is none" do
    [["1000000", "1"], ["0", nil], ["soon", nil], [nil, nil]].each do |interval, pid|
      env = { "NOTIFY_SOCKET" => "/a", "WATCHDOG_USEC" => interval, "WATCHDOG_PID" => pid }.compact
      expect(taken(env).reporting("all")[:watchdog]).to be_nil
    end
  end

  it "waits for its turn where another is the server" do
    manager = taken({ "NOTIFY_SOCKET" => "/a" }, waits: true)
    expect(socket.quiet).to be(true)
    manager.take_over
    expect(socket.quiet).to be(false)
  end

  it "is told what a server does" do
    manager = described_class.new(socket)
    manager.ready
    manager.settled # nothing was asked for
    manager.reloading(20)
    2.times { manager.settled }
    manager.stopping(30)

    expect(socket.told).to match([
      "READY=1", /\ARELOADING=1\nMONOTONIC_USEC=\d+\nEXTEND_TIMEOUT_USEC=30000000\z/, "READY=1",
      "STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=40000000"
    ])
  end

  it "is told nothing any more once another is the server" do
    described_class.new(socket).hand_over(77)
    expect([socket.told, socket.quiet]).to eq([["MAINPID=77\nREADY=1"], true])
  end

  it "hears of life and of what has changed, as often as it is needed" do
    manager = described_class.new(socket, 8.0)
    time = 100.0
    allow(Process).to receive(:clock_gettime).and_return(*Array.new(30) { time += 0.5 })
    30.times { |index| manager.look { index < 6 ? "idle" : "busy" } }

    expect(socket.told.count("WATCHDOG=1")).to eq(15)
    expect(socket.told.grep(/STATUS/)).to eq(%w[STATUS=idle STATUS=busy STATUS=busy])
    expect([manager.pause, described_class.new(socket, 1.0).pause]).to eq([1, 0.25])
  end
end
