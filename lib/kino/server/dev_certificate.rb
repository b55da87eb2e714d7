# frozen_string_literal: true

require "fileutils"

module Kino
  # A certificate for this machine alone, which signs itself: what `kino --dev-tls` serves with. It is made once for
  # each user, and kept, so that a browser has to be told of it once.
  #
  # @api private
  module DevCertificate
    # The hosts that it is for.
    NAMES = %w[DNS:localhost DNS:*.localhost IP:127.0.0.1 IP:::1].freeze
    # Seconds that it holds for, and that it has to hold for still when a server starts.
    HOLDS = 365 * 86_400
    LEFT = 7 * 86_400
    private_constant :NAMES, :HOLDS, :LEFT

    class << self
      # @return [Hash{Symbol => String}] what `tls` is told: the paths of its files, which are made where they aren't
      #   there, or about to end
      # @raise [ConfigurationError] when they can't be made
      def files
        load_openssl
        cert, key = %w[localhost.pem localhost.key].map { |name| File.join(folder, name) }
        alone { make(cert, key) unless good?(cert, key) } unless good?(cert, key)
        { cert: cert, key: key }
      rescue SystemCallError => error
        raise ConfigurationError, "--dev-tls: #{folder} can't be written to (#{error.message[/\A[^@]+/].strip}); " \
                                  "name another folder by XDG_STATE_HOME"
      end

      # @param addresses [Array<String>] as a configuration has them
      # @return [Array<String>] the same, with TLS spoken at those of TCP; where some say that they are for TLS, the
      #   others are meant to be plain
      def secured(addresses)
        return addresses if addresses.any? { |address| address.start_with?("ssl:") }

        addresses.map { |address| address.sub(/\Atcp:/, "ssl:").freeze }.freeze
      end

      private

      # A Ruby may be built without it.
      def load_openssl
        require "openssl"
      rescue LoadError
        raise ConfigurationError, "--dev-tls: this Ruby has no OpenSSL to make a certificate with; write tls with " \
                                  "one that you have"
      end

      def folder
        base = ENV["XDG_STATE_HOME"].to_s
        base = File.join(Dir.home, ".local/state") unless base.start_with?("/")
        File.join(base, "kino")
      rescue ArgumentError => error # whoever runs it is no user that the system knows, as in a container
        raise ConfigurationError, "--dev-tls: #{error.message}; name a folder by XDG_STATE_HOME"
      end

      # One after the other, of all that are started at once: key and certificate belong together.
      def alone
        FileUtils.mkdir_p(folder, mode: 0o700)
        File.open(File.join(folder, "localhost.lock"), File::RDWR | File::CREAT, 0o600) do |file|
          file.flock(File::LOCK_EX)
          yield
        end
      end

      def good?(cert, key)
        return false unless [cert, key].all? { |path| File.file?(path) }

        known = OpenSSL::X509::Certificate.new(File.read(cert))
        known.not_after > Time.now + LEFT && known.check_private_key(OpenSSL::PKey.read(File.read(key)))
      rescue OpenSSL::OpenSSLError
        false
      end

      def make(cert, key)
        own = OpenSSL::PKey::EC.generate("prime256v1")
        put(key, own.private_to_pem, 0o600)
        put(cert, certificate(own).to_pem, 0o644)
      end

      # Whoever reads it meanwhile has the one before, or this one.
      def put(path, text, mode)
        FileUtils.rm_f("#{path}.new")
        File.open("#{path}.new", File::WRONLY | File::CREAT | File::EXCL, mode) { |file| file.write(text) }
        File.rename("#{path}.new", path)
      end

      def certificate(key)
        OpenSSL::X509::Certificate.new.tap do |made|
          made.version = 2
          made.serial = OpenSSL::BN.rand(64)
          made.subject = made.issuer = OpenSSL::X509::Name.new([%w[O Kino], %w[CN localhost]])
          made.public_key = key
          made.not_before = Time.now - 86_400
          made.not_after = Time.now + HOLDS
          extend_certificate(made)
          made.sign(key, "SHA256")
        end
      end

      def extend_certificate(made)
        factory = OpenSSL::X509::ExtensionFactory.new(made, made)
        { "basicConstraints" => "critical,CA:FALSE", "keyUsage" => "critical,digitalSignature",
          "extendedKeyUsage" => "serverAuth", "subjectAltName" => NAMES.join(",") }.each do |name, value|
          made.add_extension(factory.create_extension(name, value))
        end
      end
    end
  end

  private_constant :DevCertificate
end
