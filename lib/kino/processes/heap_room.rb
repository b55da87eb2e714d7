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
    # More than this part of it is too much room: Ruby collects only when all of that is taken, and a process has of its
    # own what it has taken, with all that this keeps outside of the heap.
    MOST = 0.5
    # A pool of slots is looked at if it has so many pages: what is filled up should be little beside them.
    PAGES = 16
    private_constant :PART, :HEADER, :MOST, :PAGES

    # Makes it. What is free when Process.warmup has compacted the heap goes back to the system, and Ruby may take as
    # much of it again whenever it likes.
    #
    # @return [void]
    def self.make
      @filled = nil
      GC.start
      # On a stack of its own, so that nothing there keeps what was made.
      Fiber.new { fill.clear && nil }.resume
    end

    # Takes away what is too much of it once Process.warmup has given back what was free. How far Ruby's heap has grown
    # to have that room differs from boot to boot, by half of what lives. Pages that Ruby may take are filled up, for
    # all processes at once.
    #
    # @return [void]
    def self.bound
      return unless GC.stat_heap(0).key?(:heap_allocatable_pages) # Ruby 3.4 has one number for all pools

      @filled = GC.stat_heap.each_value.flat_map do |heap|
        next [] if heap[:heap_eden_pages] < PAGES

        slots = heap[:heap_eden_slots].fdiv(heap[:heap_eden_pages])
        lives = (heap[:total_allocated_objects] - heap[:total_freed_objects]) / slots
        surplus = heap[:heap_allocatable_pages] - (lives * MOST)
        # What is filled up counts as what lives.
        Array.new([(surplus / (1 + MOST) * slots).to_i, 0].max) { "x" * (heap[:slot_size] - HEADER) }
      end
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
