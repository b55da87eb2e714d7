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

    # Asks the system, at the cost of one call. A client that has closed only its sending half counts as gone, too; one
    # that sent more before it left (a pipelined request) is not known to have left.
    #
    # @return [Boolean] whether the client has left, so that nobody will read the answer
    def client_gone? = @native.client_gone?
  end
end
