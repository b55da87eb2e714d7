# frozen_string_literal: true

require "kino/processes/health"

RSpec.describe Kino.const_get(:Health) do
  # What processes have written, by their slots.
  let(:board) { {} }
  let(:freed) { [] }
  let(:scoreboard) do
    board, freed = board(), freed()
    Object.new.tap do |scoreboard|
      scoreboard.define_singleton_method(:read) { |slot| board.fetch(slot) }
      scoreboard.define_singleton_method(:free) { |slot| freed << slot }
    end
  end
  let(:child_class) { Struct.new(:slot) { def give_slot_back = slot.tap { self.slot = nil } } }
  let(:first) { child_class.new(0) }
  let(:second) { child_class.new(1) }

  before do
    @time = 100.0
    write(0)
    write(1)
  end

  def write(slot, beat: 0.1, waiting: 0, unserved: 0.0, unheard: 0.0, finished: 0, in_flight: "")
    board[slot] = { beat: beat, waiting: waiting, unserved: unserved, unheard: unheard, in_flight: in_flight,
                    stats: { requests: finished + 3, running: 3 }, requests: 0 }
  end

  def health(timeout = 10)
    configuration = Struct.new(:process_timeout).new(timeout)
    described_class.new(scoreboard, configuration).tap { |health| allow(health).to receive(:now) { @time } }
  end

  # What is found after that many seconds.
  def stuck(health, after: 0)
    @time += after
    health.stuck([first, second])
  end

  it "finds nothing wrong with those that beat and have nothing to do" do
    health = health()
    stuck(health)

    expect(stuck(health, after: 1000)).to eq({})
  end

  it "finds one that has given no sign of life for longer than it may" do
    write(0, beat: 10)
    write(1, beat: 10.04)

    expect(stuck(health)).to eq(second => "has given no sign of life for 10.0 s")
  end

  it "tells what that one is at" do
    write(0, beat: 12.345, in_flight: "GET /report, for 12 s")

    expect(stuck(health)).to eq(first => "has given no sign of life for 12.3 s (at GET /report, for 12 s)")
  end

  it "finds one where nobody could begin with what waits, such as for Ruby's lock" do
    write(0, unserved: 10.0)
    write(1, unserved: 10.06, in_flight: "GET /stuck for 12.0 s")

    expect(stuck(health))
      .to eq(second => "has begun no request for 10.1 s while some waited (at GET /stuck for 12.0 s)")
  end

  it "finds one whose Ruby has not come to a request that got a 504, though nobody waits" do
    write(0, unheard: 10.0)
    write(1, unheard: 10.06, in_flight: "GET /stuck for 41.0 s")

    expect(stuck(health)).to eq(second => "has run no Ruby for 10.1 s after a 504 (at GET /stuck for 41.0 s)")
  end

  it "lets one be that has not begun to beat" do
    write(0, beat: nil)
    health = health()
    stuck(health)

    expect(stuck(health, after: 1000)).to eq({})
  end

  it "finds one that has finished nothing while others waited" do
    health = health()
    write(0, waiting: 2, finished: 7, in_flight: "GET /report, for 11 s")
    stuck(health)
    expect(stuck(health, after: 10)).to eq({})

    expect(stuck(health, after: 1))
      .to eq(first => "has finished no request for 11.0 s while others waited (at GET /report, for 11 s)")
  end

  it "counts from where the last one was finished" do
    health = health()
    write(0, waiting: 2, finished: 7)
    stuck(health)
    write(0, waiting: 2, finished: 8)
    stuck(health, after: 9)

    expect(stuck(health, after: 9)).to eq({})
    expect(stuck(health, after: 2).keys).to eq([first])
  end

  it "counts from where the first one waited" do
    health = health()
    stuck(health)
    stuck(health, after: 100)
    write(0, waiting: 1)
    expect(stuck(health, after: 1)).to eq({})

    expect(stuck(health, after: 8)).to eq({})
    expect(stuck(health, after: 3).keys).to eq([first])
  end

  it "lets one be whose requests take long while none waits" do
    health = health()
    write(0, waiting: 0, finished: 7, in_flight: "GET /events, for 600 s")
    stuck(health)

    expect(stuck(health, after: 600)).to eq({})
  end

  it "takes two for two" do
    health = health()
    write(0, waiting: 1)
    write(1, waiting: 1)
    stuck(health)
    write(1, waiting: 1, finished: 1)

    expect(stuck(health, after: 11).keys).to eq([first])
  end

  it "looks for nothing where nobody wants that" do
    write(0, beat: 1000)

    expect(stuck(health(nil))).to eq({})
  end

  describe "#forget" do
    it "lets the next one have its slot" do
      health.forget(second)

      expect(freed).to eq([1])
    end

    it "frees it once, of one that serves no more and comes to its end later" do
      2.times { health.forget(second) }

      expect([freed, second.slot]).to eq([[1], nil])
    end

    it "frees nothing of one that has no slot, as a mold" do
      health.forget(child_class.new(nil))

      expect(freed).to eq([])
    end

    it "forgets what was seen" do
      health = health()
      write(0, waiting: 1)
      stuck(health)
      health.forget(first)
      first.slot = 0

      expect(stuck(health, after: 11)).to eq({})
      expect(stuck(health, after: 11).keys).to eq([first])
    end
  end
end
