# frozen_string_literal: true

require "kino/workers/stuck_watch"
require "stringio"

RSpec.describe Kino.const_get(:StuckWatch) do
  # Tells what workers are at, as the engine does: worker, GVL group, seconds, request, whether the client is waited
  # for.
  let(:native) { Struct.new(:in_flight).new([]) }
  let(:errors) { StringIO.new }
  let(:replaced) { [] }

  def watch(cap: 2, timeout: 5)
    described_class.new(native, timeout, cap, errors)
  end

  def look(watch, *in_flight)
    native.in_flight = in_flight
    watch.look { |gvl_group, worker| replaced << [gvl_group, worker] }
    errors.string.lines(chomp: true)
  end

  it "reports a worker that has been at one request for longer than it may, and has it replaced" do
    expect(look(watch, [7, 3, 6.24, "GET /report"])).to eq(
      ["kino: a worker has been at GET /report for 6.2 s (stuck_timeout 5): quarantined, another takes its place"]
    )
    expect(replaced).to eq([[3, 7]])
  end

  it "has it replaced even where nobody can be told" do
    allow(errors).to receive(:write).and_raise(Errno::EPIPE)
    look(watch, [7, 3, 6.24, "GET /report"])
    expect(replaced).to eq([[3, 7]])
  end

  it "lets those be that have not been at it for so long" do
    expect(look(watch, [1, 0, 4.99, "GET /"], [2, 0, 5, "GET /"])).to eq([])
    expect(replaced).to eq([])
  end

  it "lets those be that wait for their client" do
    expect(look(watch, [1, 0, 60, "GET /", true])).to eq([])
    expect(replaced).to eq([])
  end

  it "reports and replaces each once, however long it takes" do
    watch = watch()
    look(watch, [1, 0, 6, "GET /"])

    expect(look(watch, [1, 0, 60, "GET /"], [2, 0, 7, "POST /"]).size).to eq(2)
    expect(replaced).to eq([[0, 1], [0, 2]])
  end

  it "replaces no more than the cap at one time, and reports the others all the same" do
    lines = look(watch(cap: 1), [1, 0, 6, "GET /first"], [2, 0, 6, "GET /second"])

    expect(lines.last)
      .to eq("kino: a worker has been at GET /second for 6 s (stuck_timeout 5): not replaced: 1 are already")
    expect(replaced).to eq([[0, 1]])
  end

  it "replaces one that the cap left out as soon as there is room, and says so" do
    watch = watch(cap: 1)
    2.times { look(watch, [1, 0, 6, "GET /first"], [2, 0, 6, "GET /second"]) }
    2.times { look(watch, [2, 0, 7, "GET /second"]) }

    expect(errors.string.scan(%r{GET /\w+|(?:quarantined|not replaced)})).to eq(
      ["GET /first", "quarantined", "GET /second", "not replaced", "GET /second", "quarantined"]
    )
    expect(replaced).to eq([[0, 1], [0, 2]])
  end

  it "forgets a worker that is done: its place counts no more, and it may be stuck again" do
    watch = watch(cap: 1)
    look(watch, [1, 0, 6, "GET /"])
    look(watch)
    look(watch, [2, 0, 6, "GET /other"])
    look(watch)

    expect(look(watch, [1, 0, 6, "GET /again"]).size).to eq(3)
    expect(replaced).to eq([[0, 1], [0, 2], [0, 1]])
  end

  it "wants to look four times in its time, and once a second at least" do
    expect([watch(timeout: 2).interval, watch(timeout: 60).interval]).to eq([0.5, 1])
  end
end
