# frozen_string_literal: true

require "kino/processes/overlap"

RSpec.describe Kino.const_get(:Overlap) do
  # A process that has been started, which waits for its end.
  let!(:pid) { fork { sleep } }
  let!(:ends) { Kino.const_get(:Wire).pair }
  let(:theirs) { ends.last }
  let(:overlap) { described_class.new(:listeners, 120) }

  before do
    @time = 100.0
    allow_any_instance_of(described_class).to receive(:now) { @time }
    allow(Kino.const_get(:Relaunch)).to receive(:start).with(:server, :listeners).and_return([ends.first, pid])
    overlap
  end

  after do
    Process.kill(:KILL, pid)
    Process.wait(pid)
  rescue SystemCallError
    nil # it is gone
  ensure
    ends.each(&:close)
  end

  it "boots for a while" do
    expect([overlap.look, overlap.wire, overlap.patience]).to eq([nil, ends.first, 120])
    @time += 119
    expect([overlap.look, overlap.patience]).to eq([nil, 1])
  end

  it "is ready once it says so" do
    theirs.tell("ready")

    expect(overlap.look).to eq(:ready)
  end

  it "is ready, even where that took long, or it has ended right after" do
    theirs.tell("ready")
    theirs.close
    @time += 120

    expect(overlap.look).to eq(:ready)
  end

  it "has failed once it is not ready in time" do
    @time += 120

    expect([overlap.look, overlap.patience]).to eq([:failed, 0])
    expect(overlap.give_up).to eq("it was not ready within 120 s (restart_timeout)")
  end

  it "has failed once it has ended" do
    theirs.close

    expect([overlap.look, overlap.give_up]).to eq([:failed, "it ended"])
  end

  it "is ended when it is given up, and waited for" do
    overlap.give_up

    expect { Process.kill(0, pid) }.to raise_error(Errno::ESRCH)
    expect(overlap.wire).to be_closed
  end

  it "may be gone already when it is given up" do
    Process.kill(:KILL, pid)
    Process.wait(pid)

    expect { overlap.give_up }.not_to raise_error
    expect(overlap.wire).to be_closed
  end

  it "can't be started where the system says no" do
    allow(Kino.const_get(:Relaunch)).to receive(:start).and_raise(Errno::EAGAIN)

    expect { described_class.new(:listeners, 120) }.to raise_error(Errno::EAGAIN)
  end
end
