# frozen_string_literal: true

require_relative "../table"
require_relative "../verdict"
require_relative "trial"

module Bench
  module Restart
    # Outcomes as Markdown, and whether they are what is wanted.
    class Report
      # Milliseconds that a client of Rails may wait at most while all processes are replaced, one after the other.
      LONGEST = 250
      HEADER = ["", "restarts", "median s", "requests of the clients", "lost", "refused", "closed after an answer",
                "closed between two", "longest wait, median ms", "max ms", "wrk: req/s", "wrk: lost"].freeze

      # @param outcomes [Hash{String => Trial::Outcome}] by kind
      # @param facts [Hash{String => String}]
      # @param settings [String] how the run was made
      # @param is_rails [Boolean]
      def initialize(outcomes, facts, settings, is_rails:)
        @outcomes = outcomes
        @facts = facts
        @settings = settings
        @verdicts = lost + (is_rails ? longest : [])
      end

      # @return [Boolean] whether every bar was reached
      def passed? = @verdicts.none? { |verdict| verdict.passed == false }

      # @return [String]
      def to_markdown
        [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", @settings, Table.verdicts(@verdicts),
         Table.of(HEADER, @outcomes.map { |kind, outcome| row(kind, outcome) }),
         Table.faults(faults)].compact.join("\n\n") << "\n"
      end

      private

      def lost
        @outcomes.except("none").map do |kind, outcome|
          lost = outcome.count.lost + outcome.count.refused + lost_by_wrk(outcome)
          Verdict.at_most("#{kind}: requests lost and connections refused", lost, 0, "0", &:to_s)
        end
      end

      def longest
        [Verdict.at_most("rolling: the longest wait of a client, median of all restarts",
                         @outcomes["rolling"]&.then do |outcome|
                           middle(outcome.waits)
                         end, LONGEST, "#{LONGEST} ms") do |ms|
           format("%.0f ms", ms)
         end]
      end

      def row(kind, outcome)
        count = outcome.count
        [kind, outcome.waits.size.to_s, format("%.2f", middle(outcome.seconds)),
         *[count.answered, count.lost, count.refused, count.told, count.idle].map { |number| Table.number(number) },
         format("%.0f", middle(outcome.waits)), format("%.0f", outcome.waits.max), Table.number(outcome.wrk.rps),
         lost_by_wrk(outcome).to_s]
      end

      # It names them by kind: "connect 0, read 3, write 0, timeout 0".
      def lost_by_wrk(outcome) = outcome.wrk.faults.sum { |fault| fault.scan(/\d+(?!xx)/).sum(&:to_i) }

      def faults
        @outcomes.flat_map do |kind, outcome|
          [*outcome.faults.map { |fault, count| "#{kind}: #{count} times: #{fault}" },
           *outcome.wrk.faults.map { |fault| "#{kind}, wrk: #{fault}" }]
        end
      end

      def middle(values) = values.sort[values.size / 2]
    end
  end
end
