# frozen_string_literal: true

require_relative "../rack/callable"

module Kino
  class Configuration
    # The kinds of value a setting can have. Each answers `call(value)` with the value as Kino keeps it, or raises
    # {Rejected}, `allowed` with the words an error uses, and `label` with what a list of options calls the value.
    # Text is taken for numbers and names alike, since that is all a flag or an environment variable can carry.
    #
    # @api private
    module Kinds
      # A value is not of the kind that is asked for.
      class Rejected < StandardError
        # @return [Object, nil] what the user most likely meant; nil for the setting's own example
        attr_reader :write

        # @param reason [String, nil] completes "given X, ..."; nil where `allowed` says enough
        # @param write [Object, nil] see {#write}
        def initialize(reason = nil, write: nil)
          @write = write
          super(reason.to_s)
        end
      end

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

      # One of a few names.
      class Choice
        # @return [Array<Symbol>] the names
        attr_reader :names

        # @param names [Array<Symbol>] the names
        # @param refused [Hash{Symbol => String}] names people will try, and why they aren't allowed
        def initialize(*names, refused: {})
          @names = names
          @refused = refused
        end

        # @return [String] what is allowed
        def allowed = "#{@names[..-2].join(", ")} or #{@names.last}"

        # @return [String] what a list of options calls the value
        def label = "NAME"

        # @param value [Object] a Symbol or a String
        # @return [Symbol]
        # @raise [Rejected]
        def call(value)
          word = value.to_s.delete_prefix(":").to_sym
          return word if @names.include?(word)

          raise Rejected.new(@refused[word], write: Nearest.to(word, @names)&.to_sym)
        end
      end

      # Yes or no.
      class Flag
        # The texts that mean yes and no.
        WORDS = { "true" => true, "false" => false }.freeze

        # @return [String] what is allowed
        def allowed = "true or false"

        # @return [String] what a list of options calls the value
        def label = "BOOL"

        # @param value [Object]
        # @return [Boolean]
        # @raise [Rejected]
        def call(value) = WORDS.fetch(value.to_s) { raise Rejected }
      end

      # Some text of a given shape.
      class Text
        # @return [String] what is allowed
        attr_reader :allowed
        # @return [String] what a list of options calls the value
        attr_reader :label

        # @param label [String] what a list of options calls the value
        # @param allowed [String] the shape in words
        # @param shape [Regexp] the shape
        def initialize(label, allowed, shape)
          @label = label
          @allowed = allowed
          @shape = shape
        end

        # @param value [Object] a String, or a Symbol or Pathname that reads like one
        # @return [String] frozen
        # @raise [Rejected]
        def call(value)
          raise Rejected unless value.is_a?(String) || value.is_a?(Symbol) || value.respond_to?(:to_path)

          text = value.to_s
          text.match?(@shape) ? -text : raise(Rejected)
        end
      end

      # A folder that files can be made in.
      class Folder
        # @return [String] what is allowed
        def allowed = "a folder this process may write to"

        # @return [String] what a list of options calls the value
        def label = "FOLDER"

        # @param value [Object] a String or a Pathname
        # @return [String] the absolute path, frozen
        # @raise [Rejected]
        def call(value)
          raise Rejected unless (value.is_a?(String) && !value.empty?) || value.respond_to?(:to_path)

          path = File.expand_path(value)
          raise Rejected, "which is not a folder" unless File.directory?(path)
          raise Rejected, "which this process may not write to" unless File.writable?(path)

          -path
        end
      end

      # Yes, no, or the paths that it is yes for.
      class Paths
        # @return [String] what is allowed
        def allowed = "true, false, or path prefixes such as [\"/uploads\"]"

        # @return [String] what a list of options calls the value
        def label = "PATHS"

        # @param value [Object] a Boolean, prefixes, or text with commas between them
        # @return [Boolean, Array<String>] frozen
        # @raise [Rejected]
        def call(value)
          return Flag::WORDS.fetch(value.to_s) if Flag::WORDS.key?(value.to_s)

          prefixes = value.is_a?(String) ? value.split(",").map(&:strip) : value
          raise Rejected unless prefixes.is_a?(Array) && prefixes.any?

          prefixes.map { |prefix| prefix.is_a?(String) && prefix.start_with?("/") ? -prefix : raise(Rejected) }.freeze
        end
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

      # Something to call, or several.
      class Hook
        # @return [String] what a kino.rb may say
        attr_reader :example

        # @param example [String]
        def initialize(example) = @example = example

        # @return [String] what is allowed
        def allowed = "a block, or an object with a method call"

        # @return [String] what a list of options calls the value
        def label = "BLOCK"

        # @param value [#call, Array<#call>]
        # @return [Array<#call>] frozen
        # @raise [Rejected]
        def call(value)
          hooks = value.is_a?(Array) ? value : [value]
          raise Rejected unless hooks.all? { |hook| hook.respond_to?(:call) }

          hooks.dup.freeze
        end
      end

      # One thing to call, or nil for none.
      class Handler < Hook
        # @param most [Integer] arguments that it is called with, of which it may take fewer
        # @param example [String]
        def initialize(most, example)
          super(example)
          @most = most
        end

        # @return [String] what is allowed
        def allowed = "#{super}, which takes #{@most} arguments or fewer, or nil for none"

        # @param value [#call, nil]
        # @return [#call, nil]
        # @raise [Rejected]
        def call(value)
          return if value.nil?
          raise Rejected unless value.respond_to?(:call)

          least = Callable.least(value)
          raise Rejected, "which takes #{least} arguments" if least > @most

          value
        end
      end

      # What lines can be said to, such as Ruby's Logger.
      class Log
        # @return [String] what a kino.rb may say
        def example = "Logger.new($stdout)"

        # @return [String] what is allowed
        def allowed = "an object with a method add, such as #{example}"

        # @return [String] what a list of options calls the value
        def label = "LOGGER"

        # @param value [#add]
        # @return [#add]
        # @raise [Rejected]
        def call(value) = value.respond_to?(:add) && !value.is_a?(Enumerable) ? value : raise(Rejected)
      end

      # Another kind, or nil for no limit.
      class Optional
        # @param kind [#call, #allowed, #label] the kind that is allowed besides nil
        # @param nothing [String] what nil is for
        def initialize(kind, nothing: "no limit")
          @kind = kind
          @nothing = nothing
        end

        # @return [#call, #allowed, #label] the kind that is allowed besides nil
        attr_reader :kind
        # @return [String] what nil is for
        attr_reader :nothing

        # @return [String] what is allowed
        def allowed = "#{@kind.allowed}, or nil for #{@nothing}"

        # @return [String] what a list of options calls the value
        def label = @kind.label

        # @param value [Object] nil, the text `"nil"`, or a value of the other kind
        # @return [Object, nil]
        # @raise [Rejected]
        def call(value) = [nil, "nil"].include?(value) ? nil : @kind.call(value)
      end
    end
  end
end
