# frozen_string_literal: true

require "securerandom"
require "socket"
require "tmpdir"
require_relative "answer"

module Kino
  module Reload
    # How a process that serves old code has a request answered by the one that serves the new: over a unix socket that
    # this one listens at for that, as a plain request of HTTP/1.1 that says besides what the old one knows of its
    # client. Each process has a socket of its own, by its number, in a folder that nobody else may open.
    #
    # @api private
    class Handover
      # Where the request says what else is known; nobody but these processes knows the word that it begins with.
      FIELD = "kino-handover"
      KEY = "HTTP_KINO_HANDOVER"
      # What is told there, since the socket's other end doesn't know it.
      KNOWN = %w[HTTP_HOST REMOTE_ADDR REMOTE_PORT SERVER_NAME SERVER_PORT SERVER_PROTOCOL HTTP_VERSION HTTPS
                 rack.url_scheme kino.request_id].freeze
      # What is between two ends of a connection, and not of a message.
      OF_CONNECTION = %w[connection keep-alive proxy-connection te transfer-encoding upgrade content-length].freeze
      # Seconds between two looks at whether somebody listens.
      LOOK = 0.02
      private_constant :FIELD, :KEY, :KNOWN, :OF_CONNECTION, :LOOK

      # Nobody serves the new code, after so long.
      class Vain < Error; end

      # Makes the folder.
      def initialize
        @folder = Dir.mktmpdir("kino-reload")
        @secret = SecureRandom.hex(32)
      end

      # @param number [Integer] a process's
      # @return [String] the address where it is to listen
      def uri(number) = "unix://#{path(number)}?mode=0600"

      # The process is gone.
      #
      # @param number [Integer]
      # @return [void]
      def forget(number)
        File.unlink(path(number))
      rescue Errno::ENOENT
        nil # it has seen to that itself
      end

      # Removes the folder.
      #
      # @return [void]
      def close
        Dir.children(@folder).each { |name| File.unlink(File.join(@folder, name)) }
        Dir.rmdir(@folder)
      rescue SystemCallError
        nil
      end

      # An env as the client has made it, where the request has come by another process.
      #
      # @param env [Hash]
      # @return [Boolean] whether it has
      def restore(env)
        told = env[KEY] or return false
        return false unless told.start_with?(@secret)

        env.delete(KEY)
        known = Marshal.load(told.delete_prefix(@secret).unpack1("m0")) # rubocop:disable Security/MarshalLoad -- own
        %w[HTTPS HTTP_HOST].each { |key| env.delete(key) } # which it need not have said
        env.update(known)
        true
      end

      # Has a younger process answer the request.
      #
      # @param env [Hash]
      # @param number [Integer] the older one's
      # @param patience [Numeric] seconds to wait at most until there is one
      # @return [Array(Integer, Hash, #each)] its answer
      # @raise [Vain] when there is none by then
      def call(env, number, patience)
        socket = connect(number, now + patience)
        send_request(socket, env)
        Answer.receive(socket, env["REQUEST_METHOD"])
      rescue Exception
        socket&.close
        raise
      end

      private

      def path(number) = File.join(@folder, "#{number}.sock")

      def connect(number, until_then)
        loop do
          youngest = Dir.children(@folder).map(&:to_i).max
          return UNIXSocket.new(path(youngest)) if youngest && youngest > number

          wait(until_then)
        rescue Errno::ENOENT, Errno::ECONNREFUSED
          wait(until_then)
        end
      end

      def wait(until_then)
        raise Vain, "nobody serves the new code by now" if now > until_then

        sleep(LOOK)
      end

      def send_request(socket, env)
        length = env["CONTENT_LENGTH"]
        body = env["rack.input"]&.read.to_s unless length # it came in chunks, or there is none
        length ||= body.bytesize unless body.to_s.empty?
        fields = { "host" => "localhost", **fields_of(env), # HTTP/1.1 wants one, other clients need not
                   FIELD => @secret + [Marshal.dump(env.slice(*KNOWN))].pack("m0"), "content-length" => length }.compact
        lines = fields.map { |name, value| "#{name}: #{value}\r\n" }
        socket.write("#{env["REQUEST_METHOD"]} #{env["REQUEST_URI"]} HTTP/1.1\r\n".b, *lines, "\r\n")
        body ? socket.write(body) : IO.copy_stream(env["rack.input"], socket)
      rescue Errno::EPIPE
        nil # it has heard enough
      end

      def fields_of(env)
        fields = env.select { |key, _| key.start_with?("HTTP_") && key != "HTTP_VERSION" }
                    .transform_keys { |key| key.delete_prefix("HTTP_").tr("_", "-").downcase }
        fields["content-type"] = env["CONTENT_TYPE"] if env["CONTENT_TYPE"]
        fields.except(*OF_CONNECTION)
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  private_constant :Reload
end
