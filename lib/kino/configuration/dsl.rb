# frozen_string_literal: true

module Kino
  class Configuration
    # What a `kino.rb` is written in: plain Ruby, with each setting as a word. `self` is an instance of this class
    # there, hence the long names of its own. It holds nothing but its path and is frozen once the file has been
    # read, so that a block written there can be shared between ractors; what the file says is collected beside it.
    #
    # @example kino.rb
    #   bind "tcp://0.0.0.0:9292"
    #   workers 2
    #   threads ENV.fetch("THREADS", 5)
    class DSL
      # Files that are read when none is named, the first that exists.
      PATHS = %w[kino.rb config/kino.rb].freeze
      # What each file that is being read has said so far.
      LAYERS = ObjectSpace::WeakKeyMap.new
      private_constant :LAYERS

      # @api private
      # @param path [String, nil] a file to read; nil for the first of {PATHS} that exists, `"-"` for none
      # @return [Layer] what the file says; an empty one when there is none
      # @raise [ConfigurationError] when the named file is missing, or what it says can't be used
      def self.load(path = nil)
        return Layer.new if path == "-"

        path ||= PATHS.find { |candidate| File.file?(candidate) }
        path ? new(path).read : Layer.new
      end

      # @api private
      # @param path [String] the file, as errors name it
      def initialize(path)
        @kino_path = -path
        LAYERS[self] = Layer.new
      end

      # @api private
      # @return [Layer] what the file says
      # @raise [ConfigurationError]
      def read
        instance_eval(kino_text, @kino_path, 1)
        LAYERS[self]
      rescue ConfigurationError
        raise
      rescue StandardError, ScriptError => error
        raise ConfigurationError, kino_blame(error)
      ensure
        freeze
      end

      Settings::TABLE.each_key do |name|
        define_method(name) { |*values, &block| kino_set(name, [*values, *block]) }
      end

      private

      def kino_text
        File.read(@kino_path)
      rescue SystemCallError => error
        raise ConfigurationError, "#{@kino_path}: the configuration file can't be read " \
                                  "(#{error.message[/\A[^@]+/].strip}); name another with -C, or write one: kino --init"
      end

      def kino_set(name, values)
        source = kino_source(caller_locations)
        case values
        in [value] then LAYERS[self].set(name, value, source)
        in [] then kino_refuse(source, name, "needs a value")
        else kino_refuse(source, name, "takes one value, given #{values.map(&:inspect).join(", ")}")
        end
        nil
      end

      def method_missing(name, *) = Settings.fetch(name, kino_source(caller_locations))

      def kino_refuse(source, name, fault)
        raise ConfigurationError, "#{source.label(name)} #{fault}; write #{Settings::TABLE[name].written}"
      end

      def kino_source(locations)
        Source.file(@kino_path, locations.find { |location| location.path == @kino_path }&.lineno)
      end

      def kino_line(error) = error.backtrace_locations&.find { |location| location.path == @kino_path }&.lineno

      # A syntax error says its own line.
      def kino_blame(error)
        place = error.is_a?(SyntaxError) ? @kino_path : [@kino_path, kino_line(error)].compact.join(":")
        "#{place}: #{error.class}: #{error.message}"
      end
    end
  end
end
