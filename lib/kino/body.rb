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

        length, sender = kind(env, body)
        sender.call(native, body) if native.start(status, headers, length)
        native.finish
      end

      private

      # The body's length where it is known, and who sends it.
      def kind(env, body)
        if body.respond_to?(:to_path) && File.file?(path = body.to_path)
          [File.size(path), method(:file)]
        elsif body.respond_to?(:each)
          [nil, method(:each)]
        elsif body.respond_to?(:call)
          [nil, ->(native, callable) { callable.call(Stream.new(native, env["rack.input"])) }]
        else
          raise ResponseError, "the app's body is #{body.inspect}; allowed is an Array of Strings, or an object with " \
                               "each, call or to_path"
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
