# frozen_string_literal: true

require "socket"

module Kino
  # Sockets that the engine has given away.
  #
  # @api private
  module Sockets
    # One end of a pair: the client speaks TLS, or HTTP/2, which the engine does at the other end.
    class Paired < UNIXSocket
    end

    # The classes of their kinds.
    CLASSES = { tcp: TCPSocket, unix: UNIXSocket, pair: Paired }.freeze
    private_constant :CLASSES

    # @param descriptor [Integer]
    # @param kind [Symbol] `:tcp`, `:unix` or `:pair`
    # @param early [String] what the client has sent already, which is read first
    # @return [TCPSocket, UNIXSocket]
    def self.open(descriptor, kind, early)
      socket = CLASSES.fetch(kind).for_fd(descriptor)
      socket.sync = true
      socket.ungetbyte(early) unless early.empty?
      socket
    end

    # Ends the conversation with the client. The descriptor stays open until whoever has the socket closes it, or it is
    # collected: an event loop may have its number, which must not be the next client's meanwhile.
    #
    # @param socket [TCPSocket, UNIXSocket]
    # @return [void]
    def self.hang_up(socket)
      socket.shutdown unless socket.closed?
    rescue IOError, SystemCallError # the client has left
      nil
    end
  end

  private_constant :Sockets
end
