# frozen_string_literal: true

module Kino
  class Configuration
    # The kind of the setting `tls`: certificates, and how clients are verified, a Hash for each time that it is said.
    #
    # @api private
    class TLS
      # What may stand there, and the kind of each: a `:pem` is a file's path, or the PEM text itself.
      KEYS = { cert: :pem, key: :pem, key_password_command: :text, ocsp: :file, client_ca: :pem, verify: :verify,
               min_version: :version }.freeze
      # What clients of all certificates have in common.
      SHARED = %i[client_ca verify min_version].freeze
      # What begins PEM text. No path has it.
      TEXT = "-----BEGIN "
      # What is told of that.
      HIDDEN = "PEM text"
      # Whether clients have to show a certificate.
      VERIFY = %w[none optional required].freeze
      # The oldest version of TLS, by what it may be called.
      VERSIONS = { "1.2" => "1.2", "1.3" => "1.3", "TLSv1_2" => "1.2", "TLSv1_3" => "1.3" }.freeze
      private_constant :KEYS, :TEXT, :HIDDEN, :VERIFY, :VERSIONS

      # @param value [String]
      # @return [String] the same as errors name it
      def self.short(value) = value.include?(TEXT) ? HIDDEN : value

      # @return [String] what a kino.rb may say
      def example = 'cert: "/etc/ssl/app.pem", key: "/etc/ssl/app.key"'

      # @return [String] what is allowed
      def allowed = "#{KEYS.keys.join(":, ")}:"

      # @return [String] what a list of options calls the value
      def label = "TLS"

      # @param value [Hash{Symbol => Object}, Array<Hash>] one certificate or several
      # @return [Array<Hash{Symbol => String}>] frozen
      # @raise [Kinds::Rejected]
      def call(value)
        all = value.is_a?(Hash) ? [value] : value
        raise Kinds::Rejected unless all.is_a?(Array) && all.all? { |one| one.is_a?(Hash) && one.any? }

        all.map { |one| check(one.transform_keys(&:to_sym)) }.freeze
      end

      # @param value [Object] what was given
      # @return [String] the same for people to read: a key that is given as text is nobody's to read
      def show(value)
        case value
        when Hash then "{#{value.map { |name, one| "#{name}: #{show(one)}" }.join(", ")}}"
        when Array then "[#{value.map { |one| show(one) }.join(", ")}]"
        when String then value.include?(TEXT) ? HIDDEN : value.inspect
        else value.inspect
        end
      end

      private

      def check(given)
        given.each_key { |name| KEYS.key?(name) || raise(unknown(name)) }
        missing = %i[cert key] - given.keys
        raise Kinds::Rejected, "which has no #{missing.first}" if missing.one?
        if missing.any? && given.keys.intersect?(%i[ocsp key_password_command])
          raise Kinds::Rejected, "which has no cert and no key"
        end

        given.to_h { |name, value| [name, -send(KEYS[name], name, value)] }.freeze
      end

      def unknown(name)
        near = Nearest.to(name, KEYS.keys)
        Kinds::Rejected.new("of which #{name}: isn't known#{" (did you mean #{near}:?)" if near}")
      end

      def pem(name, value) = value.is_a?(String) && value.include?(TEXT) ? value : file(name, value)

      def file(name, value)
        is_path = (value.is_a?(String) && value.match?(/\A[^\0]+\z/)) || value.respond_to?(:to_path)
        raise Kinds::Rejected, "whose #{name} has to be the path of a file" unless is_path

        File.expand_path(value)
      end

      def text(name, value)
        value.is_a?(String) && !value.empty? ? value : raise(Kinds::Rejected, "whose #{name} has to be a command")
      end

      def verify(_, value)
        word = value.to_s
        VERIFY.include?(word) ? word : raise(Kinds::Rejected, "whose verify has to be :none, :optional or :required")
      end

      def version(_, value)
        VERSIONS.fetch(value.to_s) { raise Kinds::Rejected, 'whose min_version has to be "1.2" or "1.3"' }
      end
    end
  end
end
