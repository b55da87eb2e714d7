# frozen_string_literal: true

module Kino
  class Configuration
    # What may follow an address after a `?`: `name=value`, with `&` between several. The native code, which acts on
    # them, has the same table (`ext/core/src/net/listener/parameters.rs`); this one is for errors that name the place.
    #
    # @api private
    module BindParameters
      # One parameter: its name, the kinds of address it is for, what is allowed, an example, and what its value
      # has to match.
      Parameter = Data.define(:name, :of, :allowed, :example, :shape)

      # An octal number, as chmod and umask take it.
      OCTAL = /\A0?[0-7]{1,3}\z/
      # Addresses where TLS is spoken.
      TLS = %i[tls_tcp tls_ipv6].freeze
      # A file, or a command.
      GIVEN = /[^\0]/
      # What is a file's path.
      FILES = %w[cert key ocsp client_ca].freeze
      # What Puma says otherwise, and what is so anyway.
      PUMA = { "ca" => "client_ca", "verify_mode" => "verify" }.freeze
      VERIFY = { "peer" => "optional", "force_peer" => "required" }.freeze
      ANYWAY = %w[no_tlsv1=true no_tlsv1_1=true].freeze
      # All there are.
      TABLE = [
        Parameter.new("backlog", %i[tcp ipv6 file abstract tls_tcp tls_ipv6], "a number from 1 to 65535", "1024",
                      ->(value) { value.match?(/\A\d{1,5}\z/) && Integer(value, 10).between?(1, 65_535) }),
        Parameter.new("ipv6only", %i[ipv6 tls_ipv6], "true or false", "true", /\A(?:true|false)\z/),
        Parameter.new("proxy", %i[tcp ipv6 file abstract systemd tls_tcp tls_ipv6], "true or false", "true",
                      /\A(?:true|false)\z/),
        Parameter.new("reuse_port", %i[tcp ipv6 tls_tcp tls_ipv6], "true or false", "true", /\A(?:true|false)\z/),
        Parameter.new("mode", %i[file], "an octal number from 0 to 0777", "0660", OCTAL),
        Parameter.new("umask", %i[file], "an octal number from 0 to 0777", "0007", OCTAL),
        Parameter.new("cert", TLS, "the path of a file", "/etc/ssl/app.pem", GIVEN),
        Parameter.new("key", TLS, "the path of a file", "/etc/ssl/app.key", GIVEN),
        Parameter.new("key_password_command", TLS, "a command", "cat%20/etc/ssl/password", GIVEN),
        Parameter.new("ocsp", TLS, "the path of a file", "/etc/ssl/app.ocsp", GIVEN),
        Parameter.new("client_ca", TLS, "the path of a file", "/etc/ssl/clients.pem", GIVEN),
        Parameter.new("verify", TLS, "none, optional or required", "required", /\A(?:none|optional|required)\z/),
        Parameter.new("min_version", TLS, "1.2 or 1.3", "1.3", /\A1\.[23]\z/)
      ].freeze
      private_constant :OCTAL, :TLS, :GIVEN, :FILES, :PUMA, :VERIFY, :ANYWAY

      class << self
        # @param base [String] the address before the `?`
        # @param query [String] what follows it
        # @param kind [Symbol] what kind of address it is: `:tcp`, `:ipv6`, `:file`, `:abstract` or
        #   `:systemd`
        # @return [void]
        # @raise [Kinds::Rejected] for a parameter that is unknown, or of another kind of address, and for its value
        def check(base, query, kind)
          known = TABLE.select { |parameter| parameter.of.include?(kind) }
          query.split("&", -1).each do |pair|
            name, value = pair.split("=", 2)
            parameter = known.find { |one| one.name == name } || raise(unknown(base, query, pair, known))
            next if parameter.shape === value.to_s

            raise Kinds::Rejected.new("whose #{name} has to be #{parameter.allowed}", write: with(base, parameter))
          end
        end

        # @param base [String] an address where TLS is spoken
        # @param query [String] what follows its `?`
        # @return [String] the same in Kino's own words, and with whole paths: whatever changes folder later must not
        #   move them
        # @raise [Kinds::Rejected] for a certificate without a key, and a key without one
        def tls(base, query)
          pairs = (query.split("&", -1) - ANYWAY).map { |pair| own(*pair.split("=", 2)) }
          names = pairs.map { |pair| pair[/\A[^=]*/] } & %w[cert key]
          if names.one?
            raise Kinds::Rejected.new("which has a #{names.first} and no #{(%w[cert key] - names).first}",
                                      write: "#{base}?cert=/etc/ssl/app.pem&key=/etc/ssl/app.key")
          end
          pairs.join("&")
        end

        private

        def own(name, value = nil)
          name, value = PUMA[name], VERIFY.fetch(value, value) if PUMA.key?(name)
          value = "#{escape(Dir.pwd)}/#{value}" if FILES.include?(name) && value&.match?(%r{\A[^/]})
          [name, *value].join("=")
        end

        def escape(path) = path.gsub(/[%&?#\s]/) { |character| format("%%%02X", character.ord) }

        def unknown(base, query, pair, known)
          names = known.map(&:name)
          near = Nearest.to(pair[/\A[^=]*/], names)
          Kinds::Rejected.new("whose parameter #{pair.inspect} isn't known for it (#{names.join(", ")})",
                              write: without(base, query, pair, known.find { |one| one.name == near }, known.first))
        end

        # What else was said stays, and what was nearly a parameter is one.
        def without(base, query, pair, near, first)
          others = query.split("&") - [pair]
          values = [pair[/=(.*)/m, 1].to_s, near.example] if near
          others << "#{near.name}=#{values.find { |value| near.shape === value }}" if near
          others.empty? ? with(base, first) : "#{base}?#{others.join("&")}"
        end

        def with(base, parameter) = "#{base}?#{parameter.name}=#{parameter.example}"
      end
    end
  end
end
