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

      # @return [Hash{Integer => Integer}] KiB by percent of the run
      attr_reader :samples

      # @param goal [Goal]
      # @param tree [ProcessTree]
      def initialize(goal, tree)
        @goal = goal
        @tree = tree
        @samples = {}
      end

      # @param done [Integer] requests so far
      # @yieldparam percent [Integer] and KiB, when a sample was due
      def watch(done)
        percent = @goal.percent(done) / STEP * STEP
        return if percent.zero? || @samples.key?(percent)

        @samples[percent] = @tree.rss_kib
        yield percent, @samples[percent]
      end

      # @param done [Integer] requests of the whole run
      # @return [Boolean] whether it was long enough to tell
      def telling?(done)
        @goal.long?(done) && early && late ? true : false
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
