# frozen_string_literal: true

module Kino
  class Configuration
    # The values that Puma's words take, as the settings they are taken for take them.
    #
    # @api private
    module PumaForms
      # Seconds that `force_shutdown_after :forever` stands for, the most that shutdown_timeout may be.
      FOREVER = 86_400
      # The host of a port without one, in a file of Puma's.
      HOST = "0.0.0.0"
      # What Puma allows behind an address.
      PARAMETERS = %w[backlog low_latency mode umask no_tlsv1 no_tlsv1_1 reuse ssl_cipher_filter ssl_ciphersuites
                      verification_flags].freeze
      # What Puma's `ssl_bind` says of what an address can have.
      SSL = %i[cert key ca verify_mode key_password_command backlog].freeze
      # The same where it is the text itself, which no address can have.
      SSL_TEXT = { cert_pem: :cert, key_pem: :key }.freeze
      # Requests until a `fork_worker` without a number forks anew.
      REQUESTS = 1000
      # What a key may stand before, for data that is kept by it.
      HOOKS = %i[before_fork before_refork before_thread_start before_worker_boot before_worker_shutdown on_process_boot
                 on_process_exit on_refork on_thread_start on_worker_boot on_worker_shutdown].freeze
      # What means true when nothing comes after it.
      YES = %i[allow_underscore_headers early_hints preload_app! quiet].freeze
      private_constant :PARAMETERS, :SSL, :SSL_TEXT, :HOOKS, :YES

      module_function

      # @param name [Symbol] a word that is taken, Puma's or Kino's own
      # @param values [Array<Object>] what it was given
      # @param host [String, nil] where a port without a host listens; nil where `port` is Kino's own word
      # @param puma [Boolean] whether a word that is Kino's, too, means what it does to Puma
      # @return [Array(Symbol, Array<Object>), nil] the setting, and what it is given; nil where it is given nothing
      def translate(name, values, host: nil, puma: false)
        setting = setting(name, puma)
        case name
        when :threads then [:threads, threads(values)]
        when :port then port(values, host)
        when :workers then ([setting, workers(values)] if puma || ![0].eql?(workers(values)))
        when *HOOKS then [setting, hook(values)]
        when :force_shutdown_after then [:shutdown_timeout, [seconds(values.fetch(0, :forever))]]
        when :enable_keep_alives then ([:max_keepalive_requests, [1]] if values == [false])
        when :max_keep_alive then [:max_keepalive_requests, values.map { |most| most == Float::INFINITY ? nil : most }]
        when :fork_worker then [:refork_after, [steps(values.fetch(0, REQUESTS))]]
        when *YES then [setting, values.empty? ? [true] : values]
        else [setting, values]
        end
      end

      # @param name [Symbol] a word that is taken, Puma's or Kino's own
      # @param puma [Boolean] whether one that is both means what it does to Puma
      # @return [Symbol] the setting
      def setting(name, puma)
        own = Settings::TABLE.key?(name) && !puma
        (Puma::WORDS[name]&.setting unless own) || name
      end

      # @param address [Object] what `bind` was given
      # @return [Array(Object, String)] the address as Kino can have it, and what of it is left out; `""` for nothing
      def address(address)
        plain, query = address.to_s.split("?", 2)
        unknown = query.to_s.split("&").select do |pair|
          PARAMETERS.include?(pair[/\A\w+/]) && !known?("#{plain}?#{pair}")
        end
        return [address, ""] if unknown.empty?

        kept = query.split("&") - unknown
        [[plain, *(kept.join("&") if kept.any?)].join("?"), "?#{unknown.join("&")}"]
      end

      # @param left_out [String] what of an address is left out
      # @return [String] what comes of that
      def unheeded(left_out)
        return "#{left_out} does nothing here" unless left_out.include?("verification_flags")

        "#{left_out} does nothing here: clients are verified without it, which is weaker (CRL_CHECK: no list of " \
          "revoked certificates is looked at)"
      end

      # @param host [String] of Puma's `ssl_bind`
      # @param port [Integer, String]
      # @param given [Hash{Symbol => Object}] what else it was given
      # @return [Array(String, Hash, Array<Symbol>)] the address, what `tls` is to say, and what is left out
      def ssl_bind(host, port, given)
        given = given.transform_keys(&:to_sym).compact
        said = given.slice(*SSL).map { |name, value| "#{name}=#{percent(value)}" }
        host = "[#{host}]" if host.to_s.count(":") > 1 && !host.to_s.start_with?("[")
        tls = given.slice(*SSL_TEXT.keys).transform_keys(SSL_TEXT)
        address = ["ssl://#{host}:#{port}", *(said.join("&") if said.any?)].join("?")
        [address, tls, (given.keys - SSL - SSL_TEXT.keys).reject { |name| name.start_with?("no_tls") }]
      end

      # A variable that is set to nothing is none, as with Puma.
      def workers(values) = ["", "0"].include?(values.first) ? [0] : values

      # A least and a most are one value.
      def threads(values)
        numbers = values.map { |value| Integer(value.to_s, 10, exception: false) }
        numbers.size == 2 && numbers.all? ? [numbers.join(":")] : values
      end

      # A port with a host is an address.
      def port(values, host)
        number, named = values
        host = named || host
        return [:port, values] if host.nil? || values.size > 2 || !number.to_s.match?(/\A\d+\z/)

        host = "[#{host}]" if host.to_s.count(":") > 1 && !host.to_s.start_with?("[")
        [:bind, ["tcp://#{host}:#{number}"]]
      end

      # Puma can keep data by a key for a hook.
      def hook(values) = values.last.is_a?(Proc) && values.first.respond_to?(:to_sym) ? values.last(1) : values

      # Puma forks anew once.
      def steps(requests) = [0, "0"].include?(requests) ? false : [requests, false]

      # As an address has it.
      def percent(value) = value.to_s.gsub(/[%&?#\s]/) { |character| format("%%%02X", character.ord) }

      def seconds(value) = { forever: FOREVER, immediately: 0 }.fetch(value, value)

      def known?(address)
        Address.parse(address)
      rescue Kinds::Rejected
        false
      end
      private_class_method :threads, :port, :hook, :steps, :percent, :seconds, :known?
    end
  end
end
