# frozen_string_literal: true

module Kino
  class Configuration
    module Kinds
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
