# frozen_string_literal: true

require_relative "sockets"

module Kino
  # `env["kino.request"]`: the request that an app has been called with, as the engine has it. It is
  # `env["rack.hijack"]`, too. Each request has its own, so one that the app keeps for longer tells of no other.
  #
  # @!method client_gone?
  #   Asks the system, at the cost of one call. A client that has reset its connection, or closed a unix socket, is
  #   known to have left at once. One that has closed a TCP connection looks like one that has ended only its sending
  #   half, and waits for its answer: it is known to have left when it has answered something that was sent with a
  #   reset, or a keep-alive probe of the system's, after a minute or so.
  #   @return [Boolean] whether the client is known to have left, so that nobody will read the answer, or the request is
  #     over; false while another thread sends or reads
  # @!method mark_as_io_bound
  #   Says that the app mostly waits from here on: for another service, or for its client. While there are requests
  #   marked so, a worker has up to `max_io_threads` threads besides the most that `threads` allows, so that others are
  #   served meanwhile. `env["puma.mark_as_io_bound"].call` is the same for the request that the calling thread serves.
  #   @return [Boolean] whether it is so marked: false without `max_io_threads`, in mode `:ractor`, and once the answer
  #     is out, or the app has taken the socket, or goes on with the stream by itself
  class Request
    # Gives the client's socket to the app, as `env["rack.hijack"]`. The server forgets the connection, when it drains,
    # too; what the app then answers is not sent. Called again, it gives the same socket. Of a request for a WebSocket
    # over HTTP/2 it is one end of a pair: the app writes its 101 as ever, and Kino makes that what it is in HTTP/2.
    #
    # What the client has sent already beyond the request is read first; `recv` alone does not see that, nor does a
    # selector that looks at descriptors.
    #
    # @return [TCPSocket, UNIXSocket] in `env["rack.hijack_io"]`, too
    # @raise [IOError] once the answer has begun, or the request is over, or is another one of HTTP/2
    # @example
    #   io = env["rack.hijack"].call
    #   Thread.new { io.write("HTTP/1.1 200 OK\r\n..."); io.close }
    def call
      @socket ||= Sockets.open(*Native::Exchange.take_socket(self)).tap do |socket|
        Native::Exchange.env(self)["rack.hijack_io"] = socket
      end
    end
  end

  # `env["kino.client_gone?"]`: asks one thing of its request, and can do nothing else with it.
  #
  # @example A report that nobody waits for is not made
  #   rows.each_slice(100) do |slice|
  #     break if env["kino.client_gone?"].call
  #     add(slice)
  #   end
  # @!method call
  #   @return [Boolean] as {Request#client_gone?}; true once the request is over
  class ClientGone
  end
end
