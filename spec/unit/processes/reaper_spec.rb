# frozen_string_literal: true

require "kino/processes/reaper"
require_relative "../../support/eventually"

RSpec.describe Kino.const_get(:Reaper) do
  include Eventually

  # What the parent knows of a process: its id, and whether its end of the wire is gone.
  let(:child_class) { Struct.new(:pid, :is_cut) { def wire = Struct.new(:closed?).new(!!is_cut) } }

  # Those that lived at some time.
  let(:pids) { [] }

  after do
    pids.each do |pid|
      Process.kill(:KILL, pid)
      Process.wait(pid)
    rescue SystemCallError
      nil # it is gone
    end
  end

  # A process that does this, as one that serves.
  def forked(&block)
    pid = fork do
      $stderr = File.open(File::NULL, "w")
      block.call
      exit!(0)
    end
    pids << pid
    child_class.new(pid)
  end

  # How that one has ended, which is waited for.
  def ending(child) = eventually("it has ended") { described_class.gone([child])[child] }

  it "finds nothing where there is nothing" do
    expect(described_class.gone([])).to eq({})
  end

  it "finds those that are gone, and no others" do
    living = forked { sleep }
    gone = forked { nil }
    ending = eventually("it has ended") { described_class.gone([living, gone]).then { |all| all unless all.empty? } }

    expect(ending.keys).to eq([gone])
  end

  it "finds each once" do
    child = forked { nil }
    ending(child)

    expect(described_class.gone([child])).to eq({})
  end

  it "tells of one that has ended as it was to" do
    ending = ending(forked { nil })

    expect([ending.in_order? ? :in_order : :not, ending.to_s]).to eq([:in_order, " (status 0)"])
  end

  it "tells of one that has ended with another status" do
    ending = ending(forked { exit!(3) })

    expect([ending.in_order? ? :in_order : :not, ending.to_s]).to eq([:not, " (status 3)"])
  end

  it "tells of one that was killed" do
    ending = ending(forked { Process.kill(:KILL, Process.pid) })

    expect([ending.in_order? ? :in_order : :not, ending.to_s]).to eq([:not, " (SIGKILL)"])
  end

  it "tells of one that a signal has ended" do
    child = forked { sleep }
    Process.kill(:USR1, child.pid)

    expect(ending(child).to_s).to eq(" (SIGUSR1)")
  end

  it "lets one be that is stopped" do
    child = forked { sleep }
    Process.kill(:STOP, child.pid)
    Process.wait2(child.pid, Process::WUNTRACED)

    expect(described_class.gone([child])).to eq({})
  end

  it "waits for one that has not told its id yet" do
    expect(described_class.gone([child_class.new(nil)])).to eq({})
  end

  it "takes one for gone that never told its id, once its end of the wire is gone" do
    child = child_class.new(nil, true)
    ending = described_class.gone([child])[child]

    expect([ending.in_order? ? :in_order : :not, ending.to_s]).to eq([:in_order, ""])
  end

  describe "one that is another process's child" do
    # As where the system has no way for a grandchild to be the parent's.
    let(:other) do
      pid = forked { nil }.pid
      Process.wait(pid)
      pid
    end

    it "is there as long as its end of the wire is" do
      expect(described_class.gone([child_class.new(other)])).to eq({})
    end

    it "is gone once that is, however it has ended" do
      child = child_class.new(other, true)
      ending = described_class.gone([child])[child]

      expect([ending.in_order? ? :in_order : :not, ending.to_s]).to eq([:in_order, ""])
    end
  end

  it "waits for the end of one whose end of the wire is gone before it" do
    child = forked { sleep }
    child.is_cut = true

    expect(described_class.gone([child])).to eq({})
  end
end
