# frozen_string_literal: true

require_relative "sockets"

module Kino
  # `env["rack.hijack"]`: gives the client's socket to the app. The server forgets the connection, when it drains, too;
  # what the app then answers is not sent. It is the worker's, made once and not for each request, so it has to be
  # called on the thread that serves the request, before the app has answered.
  #
  # @example
  #   io = env["rack.hijack"].call
  #   Thread.new { io.write("HTTP/1.1 200 OK\r\n..."); io.close }
  class Hijack
    # @api private
    # @param native [Native::WorkerThread] the engine's end
    # @return [void]
    def serve(native) = @native = native

    # What the client has sent already beyond the request is read first; `recv` alone does not see that, nor does a
    # selector that looks at descriptors.
    #
    # @return [TCPSocket, UNIXSocket]
    # @raise [IOError] on another thread, and once the answer has begun
    def call = Sockets.open(*@native.hijack)
  end
end
