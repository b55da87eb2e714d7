# frozen_string_literal: true

require "json"
require "kino/processes/heap_room"

RSpec.describe Kino.const_get(:HeapRoom) do
  # Of a process of its own, whose heap the other specs don't share: the pools of slots that have many pages.
  def pools(*calls)
    script = <<~RUBY
      require "json"
      require "kino/processes/heap_room"
      $kept = Array.new(60_000) { "x" * 100 } + Array.new(60_000) { "x" * 60 }
      # The heap has grown by more than it needs, as while an app boots.
      Array.new(300_000) { "x" * 100 } && nil
      room = Kino.const_get(:HeapRoom)
      #{calls.join("\n")}
      $stdout.puts(GC.stat_heap.values.to_json)
    RUBY
    heaps = JSON.parse(IO.popen([RbConfig.ruby, "-I", "lib", "-e", script], &:read), symbolize_names: true)
    heaps.select { |heap| heap[:heap_eden_pages] >= 32 }
  end

  before { skip "this Ruby has one number for all pools" unless GC.stat_heap(0).key?(:heap_allocatable_pages) }

  it "leaves no more room than half of what lives, where Ruby has more" do
    before = pools("room.make", "Process.warmup")
    after = pools("room.make", "Process.warmup", "room.bound")
    part = ->(heaps) { heaps.map { |heap| heap[:heap_allocatable_pages].fdiv(heap[:heap_eden_pages]) }.max }
    expect(part.call(before)).to be > 0.6
    expect(part.call(after)).to be_between(0.2, 0.6)
  end

  it "takes back what was taken before" do
    once = pools("room.make", "Process.warmup", "room.bound")
    again = pools("room.make", "Process.warmup", "room.bound", "room.make", "Process.warmup", "room.bound")
    pages = ->(heaps) { heaps.sum { |heap| heap[:heap_eden_pages] } }
    expect(pages.call(again)).to be_within(pages.call(once) * 0.5).of(pages.call(once))
  end
end
