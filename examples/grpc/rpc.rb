# frozen_string_literal: true

# gRPC over HTTP/2, as far as a service needs it: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
#
# A call is a POST whose path is the method. Its body and the answer's are messages, each after five bytes: whether it
# is compressed, and its length. The answer's status is 200 whatever becomes of the call; that stands in the trailers.
module Rpc
  # What becomes of a call, by number.
  STATUSES = %i[OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED
                RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS
                UNAUTHENTICATED].freeze
  HEADERS = { "content-type" => "application/grpc", "grpc-accept-encoding" => "identity" }.freeze
  # Bytes of a message, as other servers have it.
  LONGEST = 4 * 1024 * 1024

  # What a method raises to end its call with a status of its own.
  class Failure < StandardError
    # @return [Symbol] one of {STATUSES}
    attr_reader :status

    def initialize(status, message)
      @status = status
      super(message)
    end
  end

  # The fields that say what has become of a call.
  def self.outcome(status, message = nil)
    fields = { "grpc-status" => STATUSES.index(status).to_s }
    # Bytes that a header can't have, and the percent sign itself.
    fields["grpc-message"] = message.b.gsub(/[^ -$&-~]/n) { |byte| format("%%%02X", byte.ord) } if message
    fields
  end

  # The Rack app: which path is which method of a service.
  class App
    # @param name [String] the service's, with its package
    # @param service [Module] has the methods
    # @param message [Class] what they are called with and answer
    # @param methods [Hash{String => Symbol}] from the names that clients know
    def initialize(name, service, message, methods)
      @methods = methods.transform_keys { |known| "/#{name}/#{known}".freeze }.freeze
      @service = service
      @message = message
      freeze
    end

    # @return [Array] a Rack answer; its body is the call
    def call(env)
      return [415, {}, []] unless env["CONTENT_TYPE"]&.match?(%r{\Aapplication/grpc(?:\+proto)?(?:;|\z)})
      return [405, { "allow" => "POST" }, []] unless env["REQUEST_METHOD"] == "POST"

      name = env["PATH_INFO"]
      method = @methods[name]
      # An answer without a body needs no trailers: what they would say is its head's.
      return [200, { **HEADERS, **Rpc.outcome(:UNIMPLEMENTED, "there is no #{name}") }, []] unless method

      [200, HEADERS.dup, Call.new(@service, method, @message, env)]
    end
  end
end

require_relative "call"
