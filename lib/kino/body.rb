# frozen_string_literal: true

require_relative "stream"

module Kino
  # Sends an answer whose body is anything but a plain Array, by the kinds that Rack's SPEC knows. The caller closes it.
  #
  # @api private
  module Body
    # Bytes of a file sent at a time.
    PART = 64 * 1024
    private_constant :PART

    class << self
      # @param native [Native::Worker] with an open request
      # @param env [Hash] the request's
      # @param status [Integer]
      # @param headers [Hash]
      # @param body [#to_ary, #to_path, #each, #call]
      # @return [void]
      # @raise [ResponseError] for any other body, and for one that isn't as long as its content-length
      # @raise [ClientDisconnected] when nobody is there to read it
      def send(native, env, status, headers, body)
        if body.respond_to?(:to_ary) && (array = body.to_ary).is_a?(Array)
          return native.answer(status, headers, array)
        end

        kind = kind(body)
        parts(kind, native, env, body) if native.start(status, headers, (File.size(body.to_path) if kind == :file))
        native.finish
      end

      private

      def kind(body)
        if body.respond_to?(:to_path) && File.file?(body.to_path) then :file
        elsif body.respond_to?(:each) then :each
        elsif body.respond_to?(:call) then :call
        else
          raise ResponseError, "the app's body is #{body.inspect}; allowed is an Array of Strings, or an object with " \
                               "each, call or to_path"
        end
      end

      def parts(kind, native, env, body)
        case kind
        when :file then file(native, body)
        when :each then each(native, body)
        else body.call(Stream.new(native, env["rack.input"]))
        end
      end

      def each(native, body) = body.each { |part| native.write(part) }

      def file(native, body)
        File.open(body.to_path, "rb") do |file|
          part = String.new(capacity: PART)
          native.write(part) while file.read(PART, part)
        end
      end
    end
  end
end
