# frozen_string_literal: true

require "socket"

module Bench
  module Soak
    # An HTTP connection that hides nothing: requests are written as bytes, answers read by the letter.
    class Wire
      # Seconds without a byte after which an answer counts as lost.
      PATIENCE = 20

      # An answer that breaks HTTP, or isn't the one that was due.
      class Wrong < StandardError
      end

      # A 500 where the app should have answered.
      class Failed < Wrong
      end

      # @!attribute status [Integer]
      # @!attribute headers [Hash{String => String}] names in lower case
      # @!attribute body [String]
      Answer = Data.define(:status, :headers, :body) do
        # @raise [Wrong]
        def expect_status(wanted)
          return if status == wanted

          raise (status == 500 ? Failed : Wrong), "status #{status} instead of #{wanted}"
        end
      end

      # @param port [Integer] on 127.0.0.1
      def initialize(port)
        @port = port
      end

      # Connects first where there is no connection.
      def write(bytes)
        @socket ||= connect
        @socket.write(bytes)
      end

      # @param head [Boolean] whether HEAD was asked, so that no body follows
      # @return [Answer]
      def answer(head: false)
        first, *lines = take_until("\r\n\r\n").split("\r\n")
        minor, status = first.to_s.match(%r{\AHTTP/1\.([01]) (\d{3}) })&.captures
        raise Wrong, "the status line is #{first.inspect}" unless status

        headers = lines.to_h { |line| header(line) }
        closing = headers.fetch("connection", minor == "0" ? "close" : "keep-alive").casecmp?("close")
        body = head ? "" : read_body(headers, closing)
        expect_end if closing
        Answer.new(status.to_i, headers, body)
      end

      # Nothing more may come, and the server closes.
      # @raise [Wrong] when it says more
      def expect_end
        rest = @buffer + @socket.read
        drop
        raise Wrong, "after the last answer came #{rest[0, 100].inspect}" unless rest.empty?
      end

      # Waits for some bytes of an answer, and leaves them.
      def wait
        fill if @buffer.empty?
      end

      # @return [Boolean]
      def open?
        !@socket.nil?
      end

      # Leaves without a word: the server reads an end of file.
      def drop
        @socket&.close
        @socket = nil
      end

      # Leaves rudely: the server's next read or write fails with ECONNRESET.
      def reset
        @socket&.setsockopt(Socket::SOL_SOCKET, Socket::SO_LINGER, [1, 0].pack("ii"))
        drop
      end

      private

      def connect
        @buffer = "".b
        TCPSocket.new("127.0.0.1", @port).tap do |socket|
          socket.timeout = PATIENCE
          socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
        end
      end

      def header(line)
        name, value = line.split(/:[ \t]*/, 2)
        raise Wrong, "the header #{line.inspect} has no colon" unless value

        [name.downcase, value]
      end

      def read_body(headers, closing)
        if headers["transfer-encoding"] == "chunked" then read_chunks
        elsif (length = headers["content-length"]) then take(Integer(length, 10))
        elsif closing then read_to_end
        else raise Wrong, "the answer has neither a length nor an end"
        end
      end

      def read_chunks
        body = "".b
        loop do
          size = Integer(take_until("\r\n"), 16)
          body << take(size)
          raise Wrong, "a chunk is longer than it says" unless take(2) == "\r\n"
          return body if size.zero?
        end
      end

      def read_to_end
        taken = @buffer + @socket.read
        @buffer = "".b
        taken
      end

      def take_until(mark)
        fill until (index = @buffer.index(mark))
        @buffer.slice!(0, index + mark.size).chomp!(mark)
      end

      def take(size)
        if @buffer.bytesize < size
          rest = @socket.read(size - @buffer.bytesize)
          raise EOFError, "the answer ended early" if rest.nil? || @buffer.bytesize + rest.bytesize < size

          @buffer << rest
        end
        @buffer.slice!(0, size)
      end

      def fill
        @buffer << @socket.readpartial(65_536)
      end
    end
  end
end
