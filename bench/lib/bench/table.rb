# frozen_string_literal: true

module Bench
  # Tables in Markdown.
  module Table
    PASSED = { true => "pass", false => "**fail**", nil => "" }.freeze

    module_function

    # Text to the left, numbers to the right.
    # @param header [Array<String>]
    # @param rows [Array<Array<String>>]
    # @return [String]
    def of(header, rows)
      rule = header.each_index.map { |column| numbers?(rows, column) ? "---:" : "---" }
      [header, rule, *rows].map { |row| "| #{row.join(" | ")} |" }.join("\n")
    end

    # @param verdicts [Array<Verdict>]
    # @param words [Hash{Boolean, nil => String}] what is said of each
    # @return [String]
    def verdicts(verdicts, words = PASSED)
      of(["bar", "wanted", "measured", ""], verdicts.map do |verdict|
        [verdict.text, verdict.wanted, verdict.measured || "not measured", words[verdict.passed]]
      end)
    end

    # @param faults [Array<String>]
    # @return [String, nil] nil when there are none
    def faults(faults)
      return if faults.empty?

      "Not every answer was good:\n\n" + faults.map { |fault| "- #{fault}" }.join("\n")
    end

    # @return [String] a whole number, such as "12,345"
    def number(value)
      value.round.to_s.gsub(/(?<=\d)(?=(\d{3})+\z)/, ",")
    end

    def numbers?(rows, column)
      rows.all? { |row| row[column].match?(/\A[\d.,]+x?\z/) }
    end
    private_class_method :numbers?
  end
end
