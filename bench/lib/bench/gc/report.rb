# frozen_string_literal: true

require_relative "../table"

module Bench
  module Gc
    # What was measured, as Markdown.
    class Report
      HEADER = ["requests a second", "`gc_when_idle`", "requests", "median ms", "p99 ms", "p99.9 ms", "longest ms",
                "with a major collection within"].freeze

      # @param results [Hash{Array(Integer, Boolean) => Array<Load::Result>}] by the rate, and whether it was on
      # @param facts [Hash{String => String}]
      # @param settings [String] how the run was made
      def initialize(results, facts, settings)
        @results = results
        @facts = facts
        @settings = settings
      end

      # @return [String]
      def to_markdown
        [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", @settings,
         Table.of(HEADER, @results.map { |(rate, is_on), rounds| row(rate, is_on, rounds) }),
         Table.of(["requests a second", "p99 with it, of each round's without"], rates.map { |rate| ratios(rate) })]
          .join("\n\n") << "\n"
      end

      private

      def rates = @results.keys.map(&:first).uniq

      # Of all rounds together.
      def row(rate, is_on, rounds)
        times = rounds.flat_map(&:times).sort
        at = ->(part) { format("%.1f", times[[(times.size * part).ceil - 1, 0].max]) }
        hit = rounds.sum(&:hit)
        [rate.to_s, is_on ? "on" : "off", Table.number(times.size), at.(0.5), at.(0.99), at.(0.999), at.(1),
         "#{Table.number(hit)} (#{format("%.2f", 100.0 * hit / times.size)} %)"]
      end

      def ratios(rate)
        on, off = [true, false].map { |is_on| @results.fetch([rate, is_on]).map { |round| p99(round) } }
        [rate.to_s, on.zip(off).map { |ours, theirs| format("%.2f", ours / theirs) }.join(", ")]
      end

      def p99(round) = round.times.sort[(round.times.size * 0.99).ceil - 1]
    end
  end
end
