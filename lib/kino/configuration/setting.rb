# frozen_string_literal: true

module Kino
  class Configuration
    # One row of {Settings::TABLE}: all there is to know about a setting, from which the configuration, the file's
    # words, the flags, the environment variables, `kino --init`, `kino --help` and `rackup -s kino -h` are made.
    #
    # @api private
    class Setting
      # @return [Symbol] the word for it everywhere
      attr_reader :name
      # @return [#call, #allowed, #label] the kind of value it has, see {Kinds}
      attr_reader :kind
      # @return [Object] a value that is allowed, for errors and `kino --init` to show
      attr_reader :example
      # @return [String] what it is, in half a line
      attr_reader :summary
      # @return [String] what it does and when to change it, in a paragraph
      attr_reader :doc
      # @return [Array<String>] its flags, short one first; empty when it has none
      attr_reader :flags
      # @return [Array<String>] environment variables it is read from, strongest first
      attr_reader :variables
      # @return [String] its default in words
      attr_reader :default_text

      # @param name [Symbol]
      # @param kind [#call, #allowed, #label]
      # @param summary [String] half a line
      # @param doc [String] a paragraph; its line ends don't count
      # @param default [Object, Proc] the default, or what finds it at boot
      # @param default_text [String, nil] the default in words; nil for the default itself, or what nil is for
      # @param example [Object] a value that is allowed; the default where none is given
      # @param flags [Array<String>]
      # @param variables [Array<String>]
      # @param shorthand [Boolean] whether it is only another way to write `bind`
      def initialize(name, kind, summary:, doc:, default:, default_text: nil, example: default, flags: [],
                     variables: [], shorthand: false)
        @name = name
        @kind = kind
        @summary = summary
        @doc = doc.split.join(" ")
        @default = default
        @default_text = default_text || (default.nil? && optional? ? kind.nothing : default.inspect)
        @example = example
        @flags = flags
        @variables = variables
        @shorthand = shorthand
      end

      # @return [Boolean] whether it is only another way to write `bind`
      def shorthand? = @shorthand

      # @return [Boolean] whether it is a plain yes or no
      def flag? = @kind.is_a?(Kinds::Flag)

      # @return [Boolean] whether nil is a value of its own
      def optional? = @kind.is_a?(Kinds::Optional)

      # @return [Boolean] whether it is what only Ruby can say: no flag, and no `-O` of rackup
      def code? = !code.nil?

      # @return [Boolean] whether it is something to call
      def hook? = @kind.is_a?(Kinds::Hook)

      # @return [Boolean] whether a place may say it several times, and each counts
      def list? = @kind.instance_of?(Kinds::Hook) || @name == :bind

      # @return [String] how a kino.rb says it
      def written = "#{name} #{code || example.inspect}"

      # @return [String] the summary and the default
      def synopsis = "#{summary} (default #{default_text.delete('"')})"

      # @return [Object] the value where nobody said anything
      def default = @default.is_a?(Proc) ? @default.call : @default

      # @param value [Object] what was written
      # @param source [Source] where
      # @return [Object] the value as Kino keeps it
      # @raise [ConfigurationError] naming the place, what was given, what is allowed and what to write
      def parse(value, source)
        @kind.call(value)
      rescue Kinds::Rejected => error
        reason = ", #{error.message};" unless error.message.empty?
        cure = code? ? written : source.write(name, error.write || example)
        raise ConfigurationError, "#{source.label(name)}: given #{value.inspect}#{reason || ","} allowed: " \
                                  "#{@kind.allowed}; write #{cure}"
      end

      private

      # What a kino.rb may say of what only Ruby can.
      def code
        kind = optional? ? @kind.kind : @kind
        kind.example if kind.respond_to?(:example)
      end
    end
  end
end
