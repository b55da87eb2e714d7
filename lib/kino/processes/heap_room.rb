# frozen_string_literal: true

module Kino
  # Room in Ruby's heap, made before a fork. Without it a process soon finds too few free slots, and Ruby's way to more
  # of them is a major collection, which on Ruby 3.3 writes to every call site that it marks: most of what was shared is
  # then shared no more.
  #
  # @api private
  module HeapRoom
    # How much of what lives, so much may come to it; Ruby wants a fifth of all free after each collection.
    PART = 0.3
    # Of a String that lies in its slot: what it takes besides its bytes.
    HEADER = 26
    private_constant :PART, :HEADER

    # Makes it. What is free when Process.warmup has compacted the heap goes back to the system, and Ruby may take as
    # much of it again whenever it likes.
    #
    # @return [void]
    def self.make
      GC.start
      # On a stack of its own, so that nothing there keeps what was made.
      Fiber.new { fill.clear && nil }.resume
    end

    # All at once: then a heap has to grow, where it has no such room.
    def self.fill
      GC.stat_heap.each_value.map do |heap|
        lives = heap[:total_allocated_objects] - heap[:total_freed_objects]
        Array.new((lives * PART).to_i) { "x" * (heap[:slot_size] - HEADER) }
      end
    end
    private_class_method :fill
  end

  private_constant :HeapRoom
end
