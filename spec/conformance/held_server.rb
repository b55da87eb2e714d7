# frozen_string_literal: true

module Conformance
  # Keeps what a method with a block gives, such as `serve`, open for all examples of a group: the method waits in a
  # fiber until the group is over.
  class HeldServer
    def initialize
      @fiber = nil
      @given = nil
    end

    # What the block gives to the hold it is given: the first time by running it, then the same.
    def open
      @given ||= begin
        @fiber = Fiber.new { yield ->(given) { Fiber.yield(given) } }
        @fiber.resume
      end
    end

    # Lets the method finish.
    def close
      @fiber.resume if @given
    end
  end
end
