# frozen_string_literal: true

require "kino/errors"
require "kino/reload/gate"
require "kino/reload/handover"

RSpec.describe Kino.const_get(:Reload)::Gate do
  let(:files) { Struct.new(:changed).new }
  let(:handover) do
    Object.new.tap do |stub|
      stub.define_singleton_method(:restore) { |_| false }
      stub.define_singleton_method(:call) do |_, number, patience|
        [200, {}, ["from #{number + 1} within #{patience} s"]]
      end
    end
  end
  let(:changes) { [] }
  let(:gate) { described_class.new(->(_) { [200, {}, ["mine"]] }, files, 1, handover, 60) { |path| changes << path } }

  it "lets requests through until something has changed, and from then on never" do
    expect(gate.call({}).last).to eq(["mine"])
    files.changed = "app.rb"
    expect(gate.call({}).last).to eq(["from 2 within 60 s"])
    files.changed = nil
    expect(gate.call({}).last).to eq(["from 2 within 60 s"])
    expect(changes).to eq(["app.rb"])
  end

  it "tells of a change once, whoever sees it, and is stale when it is told to be" do
    files.changed = "app.rb"
    Array.new(8) { Thread.new { gate.stale? } }.each(&:join)
    expect(changes).to eq(["app.rb"])
    other = described_class.new(nil, Struct.new(:changed).new, 1, handover, 60) { |path| changes << path }
    expect([other.stale?("on request"), changes.last]).to eq([true, "on request"])
  end

  it "answers 503 where nobody comes" do
    files.changed = "app.rb"
    handover.define_singleton_method(:call) { |*| raise Kino.const_get(:Reload)::Handover::Vain, "nobody" }
    expect(gate.call({})).to match([503, hash_including("retry-after"), ["nobody\n"]])
  end
end
