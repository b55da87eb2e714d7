# frozen_string_literal: true

require_relative "sockets"
require_relative "stream"

module Kino
  # Sends an answer whose body is anything but a plain Array, by the kinds that Rack's SPEC knows. The caller closes it.
  #
  # @api private
  module Body
    class << self
      # @param native [Native::WorkerThread] with an open request
      # @param env [Hash] the request's
      # @param status [Integer]
      # @param headers [Hash]
      # @param body [#to_ary, #to_path, #each, #call]
      # @return [nil] when all is out; or what is still to come:
      # @return [Integer] what the engine sends, by the number that it will tell
      # @return [Stream] what the app goes on writing
      # @return [:hijack] what {take_over} is for
      # @raise [ResponseError] for any other body, and for one that isn't as long as its content-length
      # @raise [ClientDisconnected] when nobody is there to read it
      def send(native, env, status, headers, body)
        return if native.hijacked?
        return :hijack if headers["rack.hijack"]

        is_encoded = encoded?(headers)
        if !is_encoded && body.respond_to?(:to_ary) && (array = body.to_ary).is_a?(Array)
          return native.answer(status, headers, array)
        end

        case kind(body, is_encoded)
        when :file then native.send_file(status, headers, body.to_path)
        when :each then each(native, env, status, headers, body)
        else call(native, env, status, headers, body)
        end
      end

      # Sends the head and leaves the socket to the app: to the callable of its `rack.hijack` header, or to its body,
      # where the connection goes on with another protocol.
      #
      # @param (see send)
      # @return [nil]
      # @raise [ClientDisconnected] when nobody is there any more
      def take_over(native, env, status, headers, body)
        protocol = protocol(env, headers)
        taker = headers["rack.hijack"] || body
        socket = Sockets.open(*native.take_over(protocol ? 101 : status, headers, protocol))
        taker.call(socket)
        returned = true
        nil
      ensure
        # It has raised, or ended its own thread.
        socket.close unless socket.nil? || returned
      end

      private

      # An app that says so means its parts to leave one by one: the to_ary of Rails' streamed pages raises.
      def encoded?(headers) = headers["transfer-encoding"] || headers["Transfer-Encoding"]

      def kind(body, is_encoded)
        if !is_encoded && body.respond_to?(:to_path) && File.file?(body.to_path) then :file
        elsif body.respond_to?(:each) then :each
        elsif body.respond_to?(:call) then :call
        else
          raise ResponseError, "the app's body is #{body.inspect}; allowed is an Array of Strings, or an object with " \
                               "each, call or to_path"
        end
      end

      def each(native, env, status, headers, body)
        body.each { |part| native.write(part) } if native.start(status, headers, nil)
        native.finish(env["kino.response_trailers"])
      end

      def call(native, env, status, headers, body)
        return take_over(native, env, status, headers, body) if headers["rack.protocol"] || status.to_i == 101
        return native.finish(nil) unless native.start(status, headers, nil)

        stream = Stream.new(native.detach, env)
        body.call(stream)
        returned = true
        stream unless stream.end_call
      ensure
        # It has raised, or ended its own thread.
        stream.fail(native) unless stream.nil? || returned
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
end
