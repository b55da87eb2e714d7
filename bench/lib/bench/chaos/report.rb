# frozen_string_literal: true

require_relative "../table"
require_relative "../verdict"
require_relative "trial"

module Bench
  module Chaos
    # An outcome as Markdown, and whether it is what is wanted.
    class Report
      # The memory of each process at the end may be so much more than after a while.
      GROWTH = 1.5
      HEADER = ["", "times"].freeze
      # Losses that are told one by one.
      TOLD = 20

      # @param outcome [Trial::Outcome]
      # @param facts [Hash{String => String}]
      # @param settings [String] how the run was made
      def initialize(outcome, facts, settings)
        @outcome = outcome
        @facts = facts
        @settings = settings
        @verdicts = verdicts
      end

      # @return [Boolean] whether every bar was reached
      def passed? = @verdicts.none? { |verdict| verdict.passed == false }

      # @return [String]
      def to_markdown
        count = @outcome.count
        seen = "#{Table.number(count.answered)} requests were answered, the longest after " \
               "#{format("%.0f", count.longest)} ms; #{@outcome.excused} were lost with a process that was killed."
        [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", @settings, Table.verdicts(@verdicts),
         Table.of(HEADER, @outcome.blows.sort.map { |kind, times| [kind, times.to_s] }), seen,
         Table.faults(faults)].compact.join("\n\n") << "\n"
      end

      private

      def verdicts
        early, late = @outcome.memory
        [Verdict.at_most("requests lost that no killed process had", @outcome.losses.size, 0, "0", &:to_s),
         Verdict.at_most("connections refused", @outcome.count.refused, 0, "0", &:to_s),
         Verdict.at_most("memory of each process at the end, of that after a while", late / early, GROWTH,
                         "#{GROWTH}x") do |ratio|
           format("%.2fx (%.0f MiB)", ratio, late)
         end,
         Verdict.new(text: "at the end all processes serve", wanted: "all", measured: @outcome.serving.join(" of "),
                     passed: @outcome.serving.uniq.one? && @outcome.serving.first.positive?)]
      end

      def faults = @outcome.losses.first(TOLD).map(&:to_s)
    end
  end
end
