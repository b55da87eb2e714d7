# frozen_string_literal: true

require "socket"
require_relative "../rack/sockets"

module Kino
  # Clients' sockets that the app has taken for itself, by `rack.hijack` or a 101. Where others are forked from the
  # process, each of these would have them, too, and no client would ever hear that they are closed.
  #
  # @api private
  module TakenSockets
    class << self
      # Closes those that are open: of a process that ends, too, the app's sockets are closed.
      #
      # @param descriptors [Array<Integer>] of the sockets that the process listens on
      # @return [void]
      def close(descriptors)
        places = descriptors.map { |number| place(listening(number)) }
        ObjectSpace.each_object(BasicSocket).select { |socket| taken?(socket, places) }.each(&:close)
      end

      private

      def listening(descriptor) = Socket.for_fd(descriptor).tap { |socket| socket.autoclose = false }

      def taken?(socket, places)
        !socket.closed? && (socket.is_a?(Sockets::Paired) || (places.include?(place(socket)) && !listens?(socket)))
      rescue SystemCallError, IOError
        false # it is another thing, or has just been closed
      end

      # A port or a path: what a socket that listens has in common with those that are accepted from it.
      def place(socket)
        address = socket.local_address
        address.unix? ? address.unix_path : address.ip_port
      end

      def listens?(socket) = socket.getsockopt(:SOCKET, :ACCEPTCONN).bool
    end
  end

  private_constant :TakenSockets
end
