# frozen_string_literal: true

module Bench
  # A bar that was set, and what was measured against it.
  #
  # @!attribute text [String] what is measured
  # @!attribute wanted [String]
  # @!attribute measured [String, nil] nil when it was not
  # @!attribute passed [Boolean, nil]
  Verdict = Data.define(:text, :wanted, :measured, :passed) do
    # @param value [Numeric, nil] nil when it was not measured
    # @param label [String] the limit, as it is to be read
    # @yieldparam value [Numeric]
    # @yieldreturn [String] the value, as it is to be read
    def self.at_most(text, value, limit, label)
      new(text: text, wanted: "at most #{label}", measured: value && yield(value), passed: value && value <= limit)
    end

    # As {at_most}.
    def self.at_least(text, value, limit, label)
      new(text: text, wanted: "at least #{label}", measured: value && yield(value), passed: value && value >= limit)
    end

    # As {at_most}, where no bar was set.
    def self.told(text, value)
      new(text: text, wanted: "-", measured: value && yield(value), passed: nil)
    end

    # @return [String]
    def self.times(ratio)
      format("%.2fx", ratio)
    end

    # @return [String]
    def self.part(ratio)
      format("1/%.1f", 1 / ratio)
    end
  end
end
