# frozen_string_literal: true

module Kino
  module Reload
    # A younger process's answer to a request that was handed over, as it comes: of HTTP/1.1, whose bodies say where
    # they end. One that breaks off raises, so that the client's breaks off, too, and isn't taken for all of it.
    #
    # @api private
    class Answer
      # What is between two ends of a connection, and not of a message.
      OF_CONNECTION = %w[connection keep-alive proxy-connection transfer-encoding upgrade].freeze
      # Bytes of a head at most, and of what is read of a body at once.
      HEAD = 1_048_576
      PART = 65_536
      private_constant :OF_CONNECTION, :HEAD, :PART

      # @param socket [UNIXSocket] where it comes
      # @param method [String] the request's: an answer to HEAD has no body, whatever its head says
      # @return [Array(Integer, Hash, Answer)] it, for Rack
      # @raise [IOError] where it doesn't come
      def self.receive(socket, method)
        status, fields = head(socket)
        status, fields = head(socket) while [100, 102, 103].include?(status) # not yet it
        body = new(socket, fields, is_empty: method == "HEAD" || [204, 304].include?(status))
        [status, fields.except(*OF_CONNECTION).transform_values { |all| all.one? ? all.first : all }, body]
      end

      # @param socket [UNIXSocket]
      # @return [Array(Integer, Hash{String => Array<String>})] the status, and the fields
      def self.head(socket)
        lines = socket.gets("\r\n\r\n", HEAD).to_s.lines("\r\n", chomp: true)
        status = lines.shift.to_s[%r{\AHTTP/1\.[01] (\d{3})}, 1]
        raise IOError, "the process that serves the new code has ended in the middle of a request" unless status

        fields = Hash.new { |hash, name| hash[name] = [] }
        lines.each do |line|
          name, value = line.split(/:[ \t]*/, 2)
          fields[name.downcase] << value if value
        end
        [status.to_i, fields]
      end
      private_class_method :head

      # @param socket [UNIXSocket]
      # @param fields [Hash{String => Array<String>}]
      # @param is_empty [Boolean] whether there is none
      def initialize(socket, fields, is_empty:)
        @socket = socket
        @is_chunked = fields.key?("transfer-encoding")
        @length = is_empty ? 0 : fields.fetch("content-length", []).first&.to_i
        @is_chunked = false if is_empty
      end

      # @yieldparam part [String]
      # @raise [IOError] where it breaks off
      def each(&)
        if @is_chunked then each_chunk(&)
        elsif @length then take(@length, &)
        else take_all(&)
        end
      end

      # @return [void]
      def close = @socket.close

      private

      def each_chunk(&)
        until (size = line[/\A\h+/]&.hex || broken_off).zero?
          take(size, &)
          line
        end
        nil until line == "\r\n" # trailers
      end

      def line = @socket.gets("\r\n") || broken_off

      def take(rest)
        while rest.positive?
          part = @socket.readpartial([rest, PART].min)
          rest -= part.bytesize
          yield part
        end
      rescue EOFError
        broken_off
      end

      # Of an app that has taken the connection, and ends it where its answer ends.
      def take_all
        loop { yield @socket.readpartial(PART) }
      rescue EOFError
        nil
      end

      def broken_off = raise(IOError, "the process that serves the new code has broken its answer off")
    end
  end

  private_constant :Reload
end
