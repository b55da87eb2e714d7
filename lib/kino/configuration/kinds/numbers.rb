# frozen_string_literal: true

module Kino
  class Configuration
    module Kinds
      # An Integer within bounds.
      class Whole
        # @return [String] what is allowed
        attr_reader :allowed

        # @param range [Range<Integer>] the bounds
        # @param words [Hash{String => Proc}] words that stand for a number found at boot
        def initialize(range, words: {})
          @range = range
          @words = words
          @allowed = ["an Integer from #{range.begin} to #{range.end}", *words.keys].join(" or ")
        end

        # @return [String] what a list of options calls the value
        def label = "N"

        # @param value [Object]
        # @return [Integer]
        # @raise [Rejected]
        def call(value)
          return @words.fetch(value.to_s).call.clamp(@range) if @words.key?(value.to_s)

          number = value.is_a?(String) ? Integer(value, 10, exception: false) : value
          raise Rejected unless number.is_a?(Integer) && @range.cover?(number)

          number
        end
      end

      # A number of threads, or a least and a most.
      class Threads < Whole
        # @return [String] what is allowed
        def allowed = "#{super}, or MIN:MAX"

        # @param value [Object] an Integer, a Range, or text such as `"16"` and `"3:16"`; a least of 0, as Puma's users
        #   write it, is 1
        # @return [Integer, Range<Integer>] the number, or the least to the most where they differ
        # @raise [Rejected]
        def call(value)
          least, most = bounds(value)
          return super unless most

          raise Rejected unless most.is_a?(Integer)

          least, most = [[least, 1].max, most].map { |number| super(number) }
          raise Rejected, "whose least is more than its most" if least > most

          least == most ? most : least..most
        end

        private

        def bounds(value)
          case value
          when /\A(\d+):(\d+)\z/ then [$1, $2].map(&:to_i)
          when Range then [value.begin, value.exclude_end? ? nil : value.end] if value.begin.is_a?(Integer)
          end
        end
      end

      # A number of processes. Puma's users write 0 for the one that forks no other.
      class Processes < Whole
        # @param value [Object]
        # @return [Integer]
        # @raise [Rejected]
        def call(value) = value.to_s == "0" ? 1 : super
      end

      # A length of time in seconds.
      class Seconds
        # @return [String] what is allowed
        attr_reader :allowed

        # @param range [Range<Numeric>] the bounds, in seconds
        def initialize(range)
          @range = range
          @allowed = "a number of seconds from #{range.begin} to #{range.end}"
        end

        # @return [String] what a list of options calls the value
        def label = "SEC"

        # @param value [Object]
        # @return [Integer, Float] seconds
        # @raise [Rejected]
        def call(value)
          number = value.is_a?(String) ? number_in(value) : value
          return number if (number.is_a?(Integer) || number.is_a?(Float)) && @range.cover?(number)

          raise Rejected
        end

        private

        def number_in(text) = Integer(text, 10, exception: false) || Float(text, exception: false)
      end

      # A size, in bytes or with a unit.
      class Bytes
        # What each stands for is the power of 1024 of its place.
        UNITS = ["", "K", "M", "G", "T"].freeze
        private_constant :UNITS

        # @param range [Range<Integer>] the bounds, in bytes
        def initialize(range) = @range = range

        # @return [String] what is allowed
        def allowed = "a size such as \"512MB\", or bytes, from #{written(@range.begin)} to #{written(@range.end)}"

        # @return [String] what a list of options calls the value
        def label = "SIZE"

        # @param value [Object] bytes, or text such as `"512MB"`, `"1.5GB"`, `"512Mi"`
        # @return [Integer] bytes
        # @raise [Rejected]
        def call(value)
          raise Rejected unless value.is_a?(String) || value.is_a?(Integer)

          number, unit = value.to_s.match(/\A(\d+(?:\.\d+)?) ?([KMGT]?)i?B?\z/i)&.captures
          bytes = (Rational(number) * (1024**UNITS.index(unit.upcase))).to_i if number
          @range.cover?(bytes) ? bytes : raise(Rejected)
        end

        private

        def written(bytes)
          power = (UNITS.size - 1).downto(0).find { |place| (bytes % (1024**place)).zero? }
          "#{bytes / (1024**power)}#{UNITS[power]}B"
        end
      end

      # Numbers for the first time, the second and so on; false at the end for no more.
      class Steps
        # What is said for never.
        NEVER = [false, "false", nil, "nil", [], [false]].freeze
        private_constant :NEVER

        # @return [String] what is allowed
        def allowed = "an Integer from 1, several such as [1000, 10000, false], or false for never"

        # @return [String] what a list of options calls the value
        def label = "NUMBERS"

        # @param value [Object] a number, several, text with commas between them, or false
        # @return [Array<Integer, false>] frozen; empty for never
        # @raise [Rejected]
        def call(value)
          return [].freeze if NEVER.include?(value)

          *first, last = value.is_a?(String) ? value.split(",", -1).map(&:strip) : value
          [*first.map { |step| number(step) }, ([false, "false"].include?(last) ? false : number(last))].freeze
        end

        private

        def number(step)
          number = step.is_a?(String) ? Integer(step, 10, exception: false) : step
          number.is_a?(Integer) && number.positive? ? number : raise(Rejected)
        end
      end
    end
  end
end
