# frozen_string_literal: true

require_relative "sockets"

module Kino
  # `env["kino.request"]`: the request that an app has been called with, as the engine has it. It is
  # `env["rack.hijack"]`, too. Each request has its own, so one that the app keeps for longer tells of no other.
  #
  # @example A report that nobody waits for is not made
  #   rows.each_slice(100) do |slice|
  #     break if env["kino.request"].client_gone?
  #     add(slice)
  #   end
  # @!method client_gone?
  #   Asks the system, at the cost of one call. A client that has closed only its sending half counts as gone, too; one
  #   that sent more before it left (a pipelined request) is not known to have left.
  #   @return [Boolean] whether the client has left, so that nobody will read the answer; false while another thread
  #     sends or reads
  class Request
    # Gives the client's socket to the app, as `env["rack.hijack"]`. The server forgets the connection, when it drains,
    # too; what the app then answers is not sent. Called again, it gives the same socket.
    #
    # What the client has sent already beyond the request is read first; `recv` alone does not see that, nor does a
    # selector that looks at descriptors.
    #
    # @return [TCPSocket, UNIXSocket] in `env["rack.hijack_io"]`, too
    # @raise [IOError] once the answer has begun, or the request is over
    # @example
    #   io = env["rack.hijack"].call
    #   Thread.new { io.write("HTTP/1.1 200 OK\r\n..."); io.close }
    def call = @socket ||= Sockets.open(*take_socket).tap { |socket| env["rack.hijack_io"] = socket }
  end
end
