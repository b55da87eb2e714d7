# frozen_string_literal: true

require "kino/processes/orders"

RSpec.describe Kino.const_get(:Orders) do
  # Who is told something: a parent of so many processes.
  def told(name, size)
    parent = Class.new { include Kino.const_get(:Orders) }.new
    voice = Struct.new(:said) { def say(line) = said << line }.new([])
    fleet = Struct.new(:size) { alias_method :resize, :size= }.new(size)
    { announced: true, voice: voice, fleet: fleet }.each { |key, value| parent.instance_variable_set("@#{key}", value) }
    parent.define_singleton_method(:children) { [] }
    parent.send(:change, name)
    [fleet.size, *voice.said]
  end

  it "have as many processes as there may be, and at least one" do
    expect(told("TTIN", 255)).to eq([256, "Processes: 256"])
    expect(told("TTIN", 256)).to eq([256, "256 processes are the most"])
    expect(told("TTOU", 2)).to eq([1, "Processes: 1"])
    expect(told("TTOU", 1)).to eq([1, "One process is the least"])
  end
end
