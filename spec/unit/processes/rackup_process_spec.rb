# frozen_string_literal: true

require "kino/processes/rackup_process"
require "tmpdir"

RSpec.describe Kino.const_get(:RackupProcess) do
  around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

  let(:relaunch) { Kino.const_get(:Relaunch) }
  let(:named) { "#{@folder}/named.pid" }
  let(:kept) { "#{@folder}/kept.pid" }

  # Rackup's server as far as its options go.
  def rackup(**options)
    type = stub_const("Rackup::Server", Struct.new(:options))
    type.new(options).tap { |server| allow(ObjectSpace).to receive(:each_object).with(type).and_return([server].each) }
  end

  before { allow(relaunch).to receive(:rackup) }

  after { ENV.delete("KINO_PIDFILE") }

  it "has another server told where the number is to be, and nothing where there is no rackup" do
    rackup(pid: named)
    expect(described_class.look).to have_attributes(prepare: described_class)
    expect(relaunch).to have_received(:rackup).with(named: named, kept: named, without: [])

    hide_const("Rackup::Server")
    described_class.look.prepare
    expect(relaunch).to have_received(:rackup).with(named: nil, kept: nil, without: [])
  end

  it "has it not sent to the background once more" do
    rackup(pid: nil, daemonize: true)
    described_class.look.prepare
    expect(relaunch).to have_received(:rackup).with(named: nil, kept: nil, without: %w[-D --daemonize])
  end

  it "takes over the file of whoever's place this process takes, once it serves" do
    File.write(named, Process.pid.to_s)
    File.write(kept, "1")
    ENV["KINO_PIDFILE"] = kept
    server = rackup(pid: named)
    process = described_class.look
    process.prepare
    expect([File.read(kept), ENV.key?("KINO_PIDFILE")]).to eq(["1", false])
    expect(relaunch).to have_received(:rackup).with(named: named, kept: kept, without: [])

    process.serves
    expect([File.read(kept), File.exist?(named), server.options[:pid]]).to eq([Process.pid.to_s, false, kept])
  end

  it "says so where that can't be written, and serves on" do
    File.write(named, Process.pid.to_s)
    ENV["KINO_PIDFILE"] = "#{@folder}/no/kept.pid"
    rackup(pid: named)

    expect { described_class.look.serves }
      .to output(/the pid file .*kept\.pid can't be written \(No such file/).to_stderr
  end
end
