# frozen_string_literal: true

module Bench
  module Soak
    # Samples of the server's memory, and whether it grew.
    class Memory
      # A sample every so many percent of the run.
      STEP = 5
      # What of the run is compared: after the warm-up, and at the end.
      EARLY = (25..45)
      LATE = (80..100)
      # Growth between the two that may be the allocator's: a part, and KiB.
      PART = 0.05
      KIB = 2048
      # A leak of a few bytes a request shows only in a long run.
      FEWEST = 200_000

      # @return [Hash{Integer => Integer}] KiB by percent of the run
      attr_reader :samples

      # @param requests [Integer] of the whole run
      # @param tree [ProcessTree]
      def initialize(requests, tree)
        @requests = requests
        @tree = tree
        @samples = {}
      end

      # @param done [Integer] requests so far
      # @yieldparam percent [Integer] and KiB, when a sample was due
      def watch(done)
        percent = [done * 100 / @requests / STEP * STEP, 100].min
        return if percent.zero? || @samples.key?(percent)

        @samples[percent] = @tree.rss_kib
        yield percent, @samples[percent]
      end

      # @return [Boolean] whether the run was long enough to tell
      def telling?
        @requests >= FEWEST && early && late ? true : false
      end

      # @return [Boolean]
      def flat?
        late - early <= (early * PART) + KIB
      end

      # @return [Integer, nil] KiB after the warm-up
      def early
        middle(EARLY)
      end

      # @return [Integer, nil] KiB at the end
      def late
        middle(LATE)
      end

      private

      def middle(range)
        values = @samples.filter_map { |percent, kib| kib if range.cover?(percent) }.sort
        values[values.size / 2]
      end
    end
  end
end
