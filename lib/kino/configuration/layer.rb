# frozen_string_literal: true

module Kino
  class Configuration
    # What one place says: the flags, the environment, a file, or keywords. Each value is checked as it comes in, so
    # that an error names where it was written.
    #
    # @api private
    class Layer
      # A value and where it was written.
      #
      # @!attribute [r] value
      #   @return [Object] the value as Kino keeps it
      # @!attribute [r] source
      #   @return [Source] where it was written
      Entry = Data.define(:value, :source)

      # @param settings [Hash{Symbol => Object}] names and values
      # @return [Layer] what these keywords say
      # @raise [ConfigurationError]
      def self.keywords(settings)
        settings.each_with_object(new) { |(name, value), layer| layer.set(name, value, Source.keyword) }
      end

      # @param settings [Hash{Symbol => Object}] names, and values as a configuration keeps them: they have been
      #   looked at
      # @return [Layer] what they say
      def self.kept(settings) = settings.each_with_object(new) { |(name, value), layer| layer.keep(name, value) }

      # The environment variables that are settings. An empty one counts as unset, as `PORT=` in a Compose file
      # means it.
      #
      # @param env [Hash{String => String}, ENV]
      # @return [Layer]
      # @raise [ConfigurationError]
      def self.environment(env)
        Settings::TABLE.values.each_with_object(new) do |setting, layer|
          variable = setting.variables.find { |name| !env[name].to_s.empty? }
          layer.set(setting.name, env[variable], Source.variable(variable)) if variable
        end
      end

      # @return [Array<String>] words of another server that mean nothing here, each with where it stands and why
      attr_reader :ignored
      # @return [Array<String>] what whoever starts Kino may not expect of it, a line each
      attr_reader :notes
      # @return [String, nil] a file of another server that nobody has asked to be read
      attr_accessor :unread
      # @return [Boolean, nil] whether nobody has said any of it: a command would have it where nobody says anything
      attr_accessor :unsaid

      def initialize
        @entries = {}
        @ignored = []
        @notes = []
      end

      # @param name [Symbol, String] a setting's name
      # @param value [Object] what was written; a further `bind` or hook is one more, any other setting's last
      #   value counts
      # @param source [Source] where it was written
      # @return [self]
      # @raise [ConfigurationError]
      def set(name, value, source)
        setting = Settings.fetch(name, source)
        parsed = setting.parse(value, source)
        parsed = [*self[setting.name]&.value, *parsed].uniq.freeze if setting.list?
        put(setting.name, Entry.new(parsed, source))
        self
      end

      # @param name [Symbol] a setting's name
      # @param value [Object] the value as Kino keeps it
      # @return [void]
      def keep(name, value) = @entries[name] = Entry.new(value, Source.keyword)

      # @param name [Symbol] a setting's name
      # @return [void] as if nothing had been said of it
      def forget(name) = @entries.delete(name)

      # Says all that another one does, after what this one has said.
      #
      # @param other [Layer]
      # @return [void]
      def take(other)
        other.each do |name, entry|
          value = Settings::TABLE[name].list? ? [*self[name]&.value, *entry.value].uniq.freeze : entry.value
          put(name, Entry.new(value, entry.source))
        end
        @ignored.concat(other.ignored)
        @notes.concat(other.notes)
      end

      # @yieldparam name [Symbol] a setting's name
      # @yieldparam entry [Entry] what this place says of it
      def each(&) = @entries.each(&)

      # @param name [Symbol] a setting's name
      # @return [Entry, nil] what this place says of it
      def [](name) = @entries[name]

      private

      # What is said outright counts for more than what depends on the mode.
      def put(name, entry)
        @entries[name] = entry unless entry.source.by_mode? && self[name]&.source&.by_mode? == false
      end
    end
  end
end
