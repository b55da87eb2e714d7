# frozen_string_literal: true

require_relative "table"

module Bench
  # What reports of results that are held against bars have in common.
  class Judged
    # @param results [Results]
    # @param facts [Hash{String => String}]
    # @param settings [String] how the run was made
    # @param verdicts [Array<Verdict>]
    def initialize(results, facts, settings, verdicts)
      @results = results
      @facts = facts
      @settings = settings
      @verdicts = verdicts
    end

    # @return [Boolean] whether every bar that was measured was reached, without a faulty answer
    def passed?
      @verdicts.none? { |verdict| verdict.passed == false } && @results.faults.empty?
    end

    # @return [String]
    def to_markdown
      [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", @settings, Table.verdicts(@verdicts), *tables,
       Table.faults(@results.faults)].compact.join("\n\n") << "\n"
    end
  end
end
