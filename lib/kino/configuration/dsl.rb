# frozen_string_literal: true

module Kino
  class Configuration
    # What a `kino.rb` is written in: plain Ruby, with each setting as a word. `self` is an instance of this class
    # there, hence the long names of its own. It holds nothing but its path and is frozen once the file has been
    # read, so that a block written there can be shared between ractors; what the file says is collected beside it.
    #
    # Puma's words are known, too, see {Puma}: they are taken where Kino has the like, and noted where it doesn't.
    #
    # @example kino.rb
    #   bind "tcp://0.0.0.0:9292"
    #   workers 2
    #   threads 3, ENV.fetch("THREADS", 16)
    class DSL
      # Files that are read when none is named, the first that exists.
      PATHS = %w[kino.rb config/kino.rb].freeze
      # What each file that is being read has said so far.
      LAYERS = ObjectSpace::WeakKeyMap.new
      private_constant :LAYERS
      # What a file of older Pumas calls the usual path: `rackup DefaultRackup`.
      DefaultRackup = "config.ru" # rubocop:disable Naming/ConstantName -- the name is Puma's

      # @api private
      # @param path [String, nil] a file to read; nil for the first of {PATHS} that exists, `"-"` for none
      # @return [Layer] what the file says; an empty one when there is none
      # @raise [ConfigurationError] when the named file is missing, or what it says can't be used
      def self.load(path = nil)
        return Layer.new if path == "-"

        path ||= PATHS.find { |candidate| File.file?(candidate) }
        return new(path).read if path

        Layer.new.tap { |layer| layer.unread = Puma::PATH if File.file?(Puma::PATH) }
      end

      # @api private
      # @param path [String] the file, as errors name it
      # @param puma [Boolean] whether it was written for Puma
      def initialize(path, puma: Puma.file?(path))
        @kino_path = -path
        @kino_puma = puma
        @kino_host = PumaForms::HOST if puma
        LAYERS[self] = Layer.new
      end

      # @api private
      # @return [Layer] what the file says
      # @raise [ConfigurationError]
      def read
        instance_eval(kino_text, @kino_path, 1)
        LAYERS[self].tap { |layer| layer.notes.concat([*(Puma.mistaken(layer, @kino_met) if @kino_met)]) }
      rescue ConfigurationError
        raise
      rescue StandardError, ScriptError, SystemStackError => error
        raise ConfigurationError, kino_blame(error)
      ensure
        freeze
      end

      Settings::TABLE.each_key do |name|
        define_method(name) { |*values, &block| kino_take(name, [*values, *block]) }
      end

      (Puma::WORDS.keys - Settings::TABLE.keys).each do |name|
        define_method(name) { |*values, &block| kino_meet(name, [*values, *block]) }
      end

      private

      def kino_text
        File.read(@kino_path)
      rescue SystemCallError => error
        raise ConfigurationError, "#{@kino_path}: the configuration file can't be read " \
                                  "(#{error.message[/\A[^@]+/].strip}); name another with -C, or write one: kino --init"
      end

      # One of Puma's words that is none of Kino's.
      def kino_meet(name, values)
        fate = Puma::WORDS[name].fate
        @kino_met ||= -kino_source(caller_locations).label(name) unless @kino_puma || fate == :does
        return kino_set(:restart_file, [Puma::RESTART_FILE], name) if Puma.restart_plugin?(name, values)

        case fate
        when :taken then kino_take(name, values)
        when :does then send(:"kino_#{name.to_s.delete_suffix("!")}", *values)
        when :ignored then kino_ignore(name, values)
        when :refused
          raise ConfigurationError, "#{kino_source(caller_locations).label(name)}: #{Puma.explain(name)}"
        end
      end

      def kino_take(name, values)
        return if name == :quiet && @kino_puma # which is to log no requests
        return kino_bind(values) if name == :bind
        return kino_access_log(values) if name == :access_log

        setting, given = PumaForms.translate(name, values, host: @kino_host, puma: @kino_puma)
        kino_set(setting, given, name) if setting
      end

      def kino_bind(values)
        address, left_out = PumaForms.address(values.first)
        kino_ignore(:bind, values, PumaForms.unheeded(left_out)) unless left_out.empty?
        kino_set(:bind, [address, *values.drop(1)].first(values.size))
      end

      # With its format behind it, which is a setting of its own.
      def kino_access_log(values)
        options = values.last.is_a?(Hash) ? values.pop : {}
        unknown = options.keys - [:format]
        source = kino_source(caller_locations)
        if unknown.any?
          raise ConfigurationError, "#{source.label(:access_log)}: given #{unknown.first}:, allowed: format:; write " \
                                    "access_log \"log/access.log\", format: :json"
        end
        kino_set(:access_log, values)
        kino_set(:access_log_format, [options[:format]]) if options.key?(:format)
      end

      def kino_set(name, values, word = name)
        source = kino_source(caller_locations, word: (word if word != name))
        case values
        in [value] then LAYERS[self].set(name, value, source)
        in [] then kino_refuse(source, word, "needs a value", name)
        else kino_refuse(source, word, "takes one value, given #{values.map(&:inspect).join(", ")}", name)
        end
        nil
      end

      def kino_ignore(name, values, why = Puma.explain(name, values))
        plain = values.select { |value| [Symbol, String, Numeric, true, false].any? { |kind| kind === value } }
        given = " #{plain.map(&:inspect).join(", ")}" unless plain.empty?
        LAYERS[self].ignored << -"#{kino_source(caller_locations).label(name)}#{given}: #{why}"
        nil
      end

      # What some of Puma's words do.

      def kino_clear_binds = %i[bind port host].each { |name| LAYERS[self].forget(name) }

      def kino_default_host = @kino_host || PumaForms::HOST

      def kino_ssl_bind(host, port, given = {})
        address, tls, left_out = PumaForms.ssl_bind(host, port, given)
        kino_ignore(:ssl_bind, [host, port], PumaForms.unheeded(left_out.join(", "))) if left_out.any?
        kino_set(:tls, [tls], :ssl_bind) if tls.any?
        kino_set(:bind, [address], :ssl_bind)
      end

      def kino_set_default_host(host) = @kino_host = -host.to_s

      def kino_directory(path) = Dir.chdir(path)

      def kino_get(name, default = nil)
        value = LAYERS[self][PumaForms.setting(name.to_sym, @kino_puma)]&.value || default
        value.is_a?(Range) ? value.end : value
      end

      def kino_inject(block) = instance_eval(&block)

      def kino_cluster(block) = (instance_eval(&block) if kino_processes?)

      def kino_single(block) = (instance_eval(&block) unless kino_processes?)

      # As far as can be told while the file is read.
      def kino_processes? = (Layer.environment(ENV)[:processes] || LAYERS[self][:processes])&.value.to_i > 1

      def kino_load(path, *)
        path = path.to_s
        LAYERS[self].take(self.class.new(path, puma: @kino_puma || Puma.file?(path)).read)
      end

      def method_missing(name, *) = Settings.fetch(name, kino_source(caller_locations))

      def kino_refuse(source, word, fault, name)
        raise ConfigurationError, "#{source.label(word)} #{fault}; write #{Settings::TABLE[name].written}"
      end

      def kino_source(locations, word: nil)
        line = locations.find { |location| location.path == @kino_path }&.lineno
        word == :workers ? Source.puma_workers(@kino_path, line) : Source.file(@kino_path, line)
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
