# frozen_string_literal: true

require "delegate"
require "openssl"
require_relative "../server"

module Bench
  module Tls
    # A server that is spoken to over TLS.
    class Server < Bench::Server
      # @return [String]
      def url(path) = super.sub("http:", "https:")

      private

      # Its certificate is one of the benchmark's own, so nobody is to be checked.
      def connect
        super do |socket|
          context = OpenSSL::SSL::SSLContext.new
          context.verify_mode = OpenSSL::SSL::VERIFY_NONE
          tls = OpenSSL::SSL::SSLSocket.new(socket, context)
          yield tls.connect
        end
      rescue OpenSSL::SSL::SSLError => e
        raise IOError, e.message
      end
    end

    # A server and the one behind it: what both use counts as one's.
    class Chain < SimpleDelegator
      # @param back [Bench::Server]
      # @yieldreturn [Bench::Server] the one before it
      # @return [Chain]
      def self.start(back)
        new(yield, back)
      rescue StandardError, Interrupt
        back.stop
        raise
      end

      # @param front [Bench::Server]
      # @param back [Bench::Server]
      def initialize(front, back)
        super(front)
        @back = back
      end

      # Waits until both answer.
      # @return [self]
      def await(...)
        @back.await
        super
        self
      end

      # @return [ProcessTree] of both
      def tree = ProcessTree.new(*super.roots, *@back.tree.roots)

      # @return [Boolean] whether both stopped when asked
      def stop = [super, @back.stop].all?
    end
  end
end
