# frozen_string_literal: true

module Kino
  # `env["rack.early_hints"]`: tells the client, in a 103 before the answer, what it will need. Clients of HTTP/1.0 are
  # told nothing, nor is one that is slow to read; and a call on another thread than the one that serves the request
  # does nothing, since that request may be over.
  #
  # @example
  #   env["rack.early_hints"].call("link" => "</app.css>; rel=preload; as=style")
  class EarlyHints
    # @api private
    # @param native [Native::WorkerThread] the engine's end
    # @return [void]
    def serve(native) = @native = native

    # @param headers [Hash{String => String, Array<String>}]
    # @return [nil]
    # @raise [ResponseError] for a header that can't be sent
    # @raise [ClientDisconnected] when the client has left
    def call(headers) = @native.early_hints(headers.to_h)
  end
end
