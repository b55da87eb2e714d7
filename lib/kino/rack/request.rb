# frozen_string_literal: true

module Kino
  # `env["kino.request"]`: what Kino knows of the request that its worker is serving. It is the worker's, made once and
  # not for each request, so it tells of the request only until the app has answered.
  #
  # @example A report that nobody waits for is not made
  #   rows.each_slice(100) do |slice|
  #     break if env["kino.request"].client_gone?
  #     add(slice)
  #   end
  class Request
    # @api private
    # @param native [Native::WorkerThread] the engine's end
    # @return [void]
    def serve(native) = @native = native

    # Asks the system, at the cost of one call. A client that has reset its connection, or closed a unix socket, is
    # known to have left at once. One that has closed a TCP connection looks like one that has ended only its sending
    # half, and waits for its answer: it is known to have left when it has answered something that was sent with a
    # reset, or a keep-alive probe of the system's, after a minute or so.
    #
    # @return [Boolean] whether the client is known to have left, so that nobody will read the answer
    def client_gone? = @native.client_gone?
  end
end
