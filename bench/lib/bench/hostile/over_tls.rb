# frozen_string_literal: true

require "openssl"
require "socket"
require_relative "content"
require_relative "crowd"

module Bench
  module Hostile
    # For crowds that come by TLS: their server has a second address, with a certificate of its own.
    module OverTls
      # Seconds until a client that keeps to the rules is served, at most.
      SERVED = 10

      # For a crowd's class.
      module Settings
        # @param settings [Hash{Symbol => Object}]
        # @return [Hash{Symbol => Object}] with an address for TLS, whose port is free
        def settings(settings)
          probe = TCPServer.new("127.0.0.1", 0)
          port = probe.addr[1]
          probe.close
          # The first is the one that others come to; its port is yet to be chosen.
          settings.merge(bind: ["tcp://127.0.0.1:0", "ssl://127.0.0.1:#{port}"], tls: OverTls.certificate)
        end
      end

      # @return [Hash{Symbol => String}] a certificate for this machine, signed by itself, and its key
      def self.certificate
        key = OpenSSL::PKey::EC.generate("prime256v1")
        made = OpenSSL::X509::Certificate.new
        made.version = 2
        made.serial = 1
        made.subject = made.issuer = OpenSSL::X509::Name.new([%w[CN localhost]])
        made.public_key = key
        made.not_before = Time.now - 3600
        made.not_after = Time.now + 86_400
        made.sign(key, "SHA256")
        { cert: made.to_pem, key: key.private_to_pem }
      end

      private

      # @return [Integer]
      def tls_port = @settings[:bind].last[/\d+\z/].to_i

      def connect = TCPSocket.new("127.0.0.1", tls_port)

      # @return [String] what a client says first
      def hello
        ours, theirs = UNIXSocket.pair
        OpenSSL::SSL::SSLSocket.new(ours).connect_nonblock(exception: false)
        theirs.readpartial(65_536)
      ensure
        [ours, theirs].compact.each(&:close)
      end

      # Whether one that keeps to the rules is served, by a handshake of its own.
      def served?
        socket = connect
        secure = OpenSSL::SSL::SSLSocket.new(socket)
        until_then = Bench.now + SERVED
        while (wanted = secure.connect_nonblock(exception: false)).is_a?(Symbol)
          return false if Bench.now > until_then

          wanted == :wait_readable ? socket.wait_readable(Crowd::TICK) : socket.wait_writable(Crowd::TICK)
        end
        secure.write("GET / HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
        secure.read.end_with?(Content::HELLO)
      rescue OpenSSL::SSL::SSLError, SystemCallError
        false
      ensure
        socket&.close
      end
    end
  end
end
