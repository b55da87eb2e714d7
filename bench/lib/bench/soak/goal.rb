# frozen_string_literal: true

require_relative "../problem"

module Bench
  module Soak
    # When a run is over: after so many requests, or after so long.
    class Goal
      # A leak of a few bytes a request shows only in a long run: so many requests, or seconds.
      FEWEST = 200_000
      SHORTEST = 300

      # @param requests [Integer] of all clients together; counts where no seconds are given
      # @param seconds [Integer, nil]
      def initialize(requests, seconds)
        @requests = requests
        @seconds = seconds
      end

      # The time runs from here on.
      # @return [self]
      def start
        @began = Bench.now
        self
      end

      # @return [Float] seconds since the start
      def elapsed
        Bench.now - @began
      end

      # @param done [Integer] requests made by one of so many clients
      # @return [Boolean]
      def reached?(done, clients)
        @seconds ? elapsed >= @seconds : done >= @requests / clients.to_f
      end

      # @param done [Integer] requests made by all clients
      # @return [Integer] how much of the run is over
      def percent(done)
        part = @seconds ? elapsed / @seconds : done / @requests.to_f
        [(part * 100).floor, 100].min
      end

      # @param done [Integer] requests made by all clients
      # @return [Boolean] whether it was long enough to tell whether memory grows
      def long?(done)
        done >= FEWEST || elapsed >= SHORTEST
      end
    end
  end
end
