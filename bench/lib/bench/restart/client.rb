# frozen_string_literal: true

require "socket"
require_relative "../problem"

module Bench
  module Restart
    # A client that keeps its connection and asks again and again, and that forgives nothing: a request without its
    # whole answer is lost, also one that was sent when the server had just closed the connection, since that might
    # have been an order. What a server may do at any time is to close after an answer that says so, and between two
    # requests.
    class Client
      # Seconds between an answer and the next request: long enough for a server to close in between.
      PAUSE = 0.01
      # Seconds without an answer after which it counts as lost.
      PATIENCE = 10

      # @!attribute answered [Integer]
      # @!attribute lost [Integer] requests without their whole answer, or with another status than 200
      # @!attribute refused [Integer] connections refused, or reset before a request was sent
      # @!attribute told [Integer] connections closed after an answer that said so
      # @!attribute idle [Integer] connections closed between two requests
      # @!attribute longest [Float] milliseconds from before the request, and its connection, to the end of its answer
      Count = Struct.new(:answered, :lost, :refused, :told, :idle, :longest) do
        # @return [Count] of two together
        def +(other)
          self.class.new(*(to_a.first(5).zip(other.to_a).map(&:sum)), [longest, other.longest].max)
        end
      end

      # @return [Count]
      def self.nothing = Count.new(0, 0, 0, 0, 0, 0.0)

      # @return [Array<String>] how requests and connections were lost
      attr_reader :faults

      # @param port [Integer] the server's
      # @param path [String]
      def initialize(port, path)
        @port = port
        @request = "GET #{path} HTTP/1.1\r\nhost: bench\r\n\r\n"
        @count = self.class.nothing
        @faults = []
      end

      # Asks until the block says that it is enough.
      # @yieldreturn [Boolean]
      # @return [void]
      def run
        until yield
          ask
          sleep PAUSE
        end
        @socket&.close
      end

      # @return [Count] since it was last taken
      def take
        taken, @count = @count, self.class.nothing
        taken
      end

      private

      def ask
        began = Bench.now
        @count.idle += 1 if closed_meanwhile?
        @socket ||= connect or return
        @socket.write(@request)
        read_answer
        @count.answered += 1
        @count.longest = [@count.longest, (Bench.now - began) * 1000].max
      rescue SystemCallError, IOError => error
        lose(error.message)
      end

      # A server that has nothing to say has no reason to say anything.
      def closed_meanwhile?
        return false unless @socket&.wait_readable(0)

        drop
        true
      end

      def connect
        TCPSocket.new("127.0.0.1", @port).tap do |socket|
          socket.setsockopt(:TCP, :NODELAY, 1)
          socket.timeout = PATIENCE
        end
      rescue SystemCallError => error
        @count.refused += 1
        @faults << error.message
        nil
      end

      def read_answer
        head = @socket.gets("\r\n\r\n") or raise EOFError, "closed without an answer"
        body = @socket.read(Integer(head[/^content-length: (\d+)/i, 1]))
        raise EOFError, "closed in the middle of an answer" if body.bytesize < head[/^content-length: (\d+)/i, 1].to_i
        raise IOError, head.lines.first.chomp unless head.start_with?("HTTP/1.1 200")

        note(body)
        return unless head.match?(/^connection: close/i)

        @count.told += 1
        drop
      end

      # For whoever wants to know what the answer was.
      def note(_body) = nil

      def lose(text)
        @count.lost += 1
        @faults << text
        drop
      end

      def drop
        @socket&.close
        @socket = nil
      end
    end
  end
end
