# frozen_string_literal: true

require_relative "sockets"
require_relative "stream"

module Kino
  # Sends an answer whose body is anything but a plain Array, by the kinds that Rack's SPEC knows and those that Puma
  # takes beside them. The caller closes it.
  #
  # @api private
  module Body
    # Statuses whose answers have no body, which an app may then leave out.
    BODILESS = [204, 205, 304].freeze
    private_constant :BODILESS

    class << self
      # @param request [Request] an open one
      # @param env [Hash] the request's
      # @param status [Integer]
      # @param headers [Hash]
      # @param body [#to_ary, #to_path, #each, #call, nil]
      # @return [nil] when all is out; or what is still to come:
      # @return [Integer] what the engine sends, by the number that it will tell
      # @return [Stream] what the app goes on writing
      # @return [:hijack] what {take_over} is for
      # @raise [ResponseError] for any other body, and for one that isn't as long as its content-length
      # @raise [ClientDisconnected] when nobody is there to read it
      def deliver(request, env, status, headers, body)
        return :hijack if headers["rack.hijack"]
        return Native::Exchange.answer(request, status, headers, []) if body.nil? && BODILESS.include?(status.to_i)

        is_encoded = header?(headers, "transfer-encoding")
        array = array(headers, body) unless is_encoded
        return Native::Exchange.answer(request, status, headers, array) if array

        path = path(body) unless is_encoded
        return Native::Exchange.send_file(request, status, headers, path) if path

        if body.respond_to?(:each) then each(request, env, status, headers, body)
        elsif body.respond_to?(:call) then call(request, env, status, headers, body)
        else
          raise ResponseError, "the app's body is #{body.inspect}; allowed is an Array of Strings, or an object with " \
                               "each, call or to_path"
        end
      end

      # Sends the head and leaves the socket to the app: to the callable of its `rack.hijack` header, or to its body,
      # where the connection goes on with another protocol.
      #
      # @param (see deliver)
      # @return [nil]
      # @raise [ClientDisconnected] when nobody is there any more
      def take_over(request, env, status, headers, body)
        protocol = protocol(env, headers)
        taker = headers["rack.hijack"] || body
        socket = Sockets.open(*Native::Exchange.take_over(request, protocol ? 101 : status, headers, protocol))
        taker.call(socket)
        returned = true
        nil
      ensure
        # It has raised, or ended its own thread.
        socket.close unless socket.nil? || returned
      end

      private

      # An app that has stated a length, or has put its body in chunks, means its parts to leave one by one: the to_ary
      # of Rails' streamed pages, and of its ranges of files, raises.
      def array(headers, body)
        return unless body.respond_to?(:to_ary) && !header?(headers, "content-length")

        array = body.to_ary
        array if array.is_a?(Array)
      end

      # A pipe has no path.
      def path(body)
        path = body.to_path if body.respond_to?(:to_path)
        path if path && File.file?(path)
      end

      # Rack 3 wants names in lower case, and takes others no less.
      def header?(headers, name)
        headers[name] || headers.any? { |key, value| value && key.to_s.casecmp?(name) }
      end

      def each(request, env, status, headers, body)
        if Native::Exchange.start(request, status, headers, nil)
          body.each { |part| Native::Exchange.write(request, part) unless part.nil? }
        end
        Native::Exchange.finish(request, env["kino.response_trailers"])
      end

      def call(request, env, status, headers, body)
        return take_over(request, env, status, headers, body) if goes_on?(env, status, headers)
        return Native::Exchange.finish(request, nil) unless Native::Exchange.start(request, status, headers, nil)

        Native::Exchange.detach(request)
        stream = Stream.new(request, env)
        body.call(stream)
        returned = true
        stream unless stream.end_call
      ensure
        # It has raised, or ended its own thread.
        stream.break_off unless stream.nil? || returned
      end

      # Whether the body is what the connection, or the stream of HTTP/2, goes on with. There a client that asks for
      # another protocol (RFC 8441) is granted it by any 2xx.
      def goes_on?(env, status, headers)
        return true if headers["rack.protocol"] || status.to_i == 101

        env["rack.protocol"] && env["SERVER_PROTOCOL"] == "HTTP/2" && status.to_i.between?(200, 299)
      end

      def protocol(env, headers)
        protocol = headers["rack.protocol"]
        offered = env["rack.protocol"]
        return protocol if protocol.nil? || offered&.include?(protocol)

        raise ResponseError, "the app's rack.protocol is #{protocol.inspect}; allowed is one that the client has " \
                             "asked for: #{offered ? offered.inspect : "none"}"
      end
    end
  end

  private_constant :Body
end
