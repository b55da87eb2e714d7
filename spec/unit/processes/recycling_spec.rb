# frozen_string_literal: true

require "kino/processes/recycling"

RSpec.describe Kino.const_get(:Recycling) do
  # How many requests processes have served, by their slots.
  let(:requests) { {} }
  let(:scoreboard) do
    requests = requests()
    Object.new.tap { |board| board.define_singleton_method(:read) { |slot| { requests: requests.fetch(slot) } } }
  end
  # Bytes that processes take, by their ids.
  let(:memory) { {} }
  # Whose memory was looked at.
  let(:looks) { [] }

  before do
    @time = 100.0
    allow(File).to receive(:read).and_call_original
    allow(File).to receive(:read).with(%r{\A/proc/\d+/smaps_rollup\z}) do |path|
      pid = path[/\d+/].to_i
      looks << pid
      bytes = memory.fetch(pid) or raise Errno::ESRCH
      "55d0-7ffd ---p 00000000 00:00 0  [rollup]\nRss:  999999999 kB\nPss:     #{bytes / 1024} kB\nPss_Anon: 1 kB\n"
    end
  end

  # A process; its jitter is this share of what it may be.
  def child(slot, served: 0, memory: 0, jitter: 0)
    number = Struct.new(:hash, :to_s).new((jitter * 1000).to_i, (slot + 1).to_s)
    requests[slot] = served
    memory()[slot + 1] = memory
    Struct.new(:slot, :pid).new(slot, number)
  end

  def recycling(requests: nil, memory: nil, refork_after: [])
    configuration = Struct.new(:recycle_requests, :recycle_memory, :refork_after).new(requests, memory, refork_after)
    described_class.new(scoreboard, configuration).tap { |one| allow(one).to receive(:now) { @time } }
  end

  describe "#due" do
    it "finds none where nobody wants that, and looks at nothing" do
      expect(recycling.due([child(0, served: 1_000_000, memory: 1024**3)])).to eq({})
      expect(looks).to eq([])
    end

    it "finds those that have served so many requests" do
      children = [child(0, served: 99), child(1, served: 100), child(2, served: 120)]

      expect(recycling(requests: 100).due(children))
        .to eq(children[1] => "has served 100 requests", children[2] => "has served 120 requests")
    end

    it "finds them up to a tenth later, each at a number of its own" do
      early, late = children = [child(0, jitter: 0.5, served: 1049), child(1, jitter: 0.999, served: 1099)]
      recycling = recycling(requests: 1000)
      expect(recycling.due(children)).to eq({})

      requests[0] = 1050
      expect(recycling.due(children).keys).to eq([early])
      requests[1] = 1100
      expect(recycling.due(children).keys).to eq([early, late])
    end

    it "has the same number for a process all its life, whatever its id" do
      process = Struct.new(:slot, :pid).new(0, 4711)
      requests[0] = 0
      recycling = recycling(requests: 1000)
      found = (1000..1100).select { |served| (requests[0] = served) && !recycling.due([process]).empty? }

      expect(found).to eq([*found.first..1100])
    end

    it "finds those that take more memory" do
      children = [child(0, memory: 512 * 1024**2), child(1, memory: 700 * 1024**2)]

      expect(recycling(memory: 512 * 1024**2).due(children)).to eq(children[1] => "takes 700 MB")
    end

    it "looks at a process's memory every few seconds, not each at the same time" do
      children = [child(0), child(1, jitter: 0.9)]
      recycling = recycling(memory: 1024)
      found = [0, 1, 3.9, 0.2, 0.2].map do |seconds|
        @time += seconds
        looks.clear
        recycling.due(children)
        looks.dup
      end

      expect(found).to eq([[1, 2], [], [], [1], []])
      @time += 0.3
      expect { recycling.due(children) }.to change { looks.dup }.to([2])
    end

    it "forgets when it looked once a process serves no more" do
      process = child(0)
      recycling = recycling(memory: 1024)
      recycling.due([process])
      recycling.due([])
      recycling.due([process])

      expect(looks).to eq([1, 1])
    end

    it "lets one be that is gone meanwhile, or whose memory the system doesn't tell" do
      expect(recycling(memory: 1024).due([child(0, memory: nil)])).to eq({})
    end

    it "goes by either where both are wanted" do
      children = [child(0, served: 100), child(1, memory: 2 * 1024**2), child(2)]

      expect(recycling(requests: 100, memory: 1024**2).due(children))
        .to eq(children[0] => "has served 100 requests", children[1] => "takes 2 MB")
    end
  end

  describe "#mold" do
    # How the same processes, which serve so many requests more each time, are found.
    def molds(recycling, *served)
      process = child(0)
      served.map do |number|
        requests[0] = number
        !recycling.mold([process]).nil?
      end
    end

    it "finds none where nobody wants that" do
      expect(molds(recycling, 0, 1_000_000)).to eq([false, false])
    end

    it "finds none where none serves" do
      expect(recycling(refork_after: [1]).mold([])).to be_nil
    end

    it "finds the one that has served most, once that is enough" do
      children = [child(0, served: 70), child(1, served: 99), child(2, served: 80)]
      recycling = recycling(refork_after: [100])
      expect(recycling.mold(children)).to be_nil

      requests[1] = 120
      requests[2] = 121
      expect(recycling.mold(children)).to be(children[2])
    end

    it "has the numbers of the first time, the second, and the last one again and again" do
      expect(molds(recycling(refork_after: [10, 100]), 9, 10, 10, 99, 100, 99, 100, 150))
        .to eq([false, true, false, false, true, false, true, true])
    end

    it "has one number again and again" do
      expect(molds(recycling(refork_after: [10]), 10, 9, 10)).to eq([true, false, true])
    end

    it "finds none any more where false comes last" do
      expect(molds(recycling(refork_after: [10, 100, false]), 10, 100, 1000, 1_000_000))
        .to eq([true, true, false, false])
    end

    it "finds none at all where false is all there is" do
      expect(molds(recycling(refork_after: [false]), 0, 1_000_000)).to eq([false, false])
    end
  end
end
