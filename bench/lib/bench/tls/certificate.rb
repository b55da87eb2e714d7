# frozen_string_literal: true

require "openssl"

module Bench
  module Tls
    # A certificate that signs itself, for 127.0.0.1, with a key of ECDSA P-256: all servers have the same.
    class Certificate
      # @return [String] a file
      attr_reader :cert, :key

      # @param folder [String] where its files are written
      def initialize(folder)
        key = OpenSSL::PKey::EC.generate("prime256v1")
        @cert = write(folder, "cert.pem", made(key).to_pem)
        @key = write(folder, "key.pem", key.private_to_pem)
      end

      # @param port [Integer]
      # @return [String] an address to listen on, as Kino and Puma understand it
      def address(port) = "ssl://127.0.0.1:#{port}?cert=#{cert}&key=#{key}"

      private

      def write(folder, name, text)
        File.join(folder, name).tap { |path| File.write(path, text, perm: 0o600) }
      end

      def made(key)
        OpenSSL::X509::Certificate.new.tap do |certificate|
          certificate.version = 2
          certificate.serial = 1
          certificate.subject = certificate.issuer = OpenSSL::X509::Name.new([%w[CN 127.0.0.1]])
          certificate.public_key = key
          certificate.not_before = Time.now - 60
          certificate.not_after = Time.now + (30 * 86_400)
          extensions(certificate)
          certificate.sign(key, "SHA256")
        end
      end

      def extensions(certificate)
        factory = OpenSSL::X509::ExtensionFactory.new(certificate, certificate)
        certificate.add_extension(factory.create_extension("basicConstraints", "CA:FALSE", true))
        certificate.add_extension(factory.create_extension("subjectAltName", "IP:127.0.0.1"))
      end
    end
  end
end
