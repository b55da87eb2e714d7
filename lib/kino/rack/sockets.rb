# frozen_string_literal: true

require "socket"

module Kino
  # Sockets that the engine has given away.
  #
  # @api private
  module Sockets
    # @param descriptor [Integer]
    # @param unix [Boolean] whether it is a unix socket
    # @param early [String] what the client has sent already, which is read first
    # @return [TCPSocket, UNIXSocket]
    def self.open(descriptor, unix, early)
      socket = (unix ? UNIXSocket : TCPSocket).for_fd(descriptor)
      socket.sync = true
      socket.ungetbyte(early) unless early.empty?
      socket
    end
  end

  private_constant :Sockets
end
