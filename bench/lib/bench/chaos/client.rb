# frozen_string_literal: true

require_relative "../restart/client"

module Bench
  module Chaos
    # A client whose answers are the number of the process that they come from, and that says of each loss which process
    # had its connection.
    class Client < Restart::Client
      # @!attribute pid [Integer, nil] whose the connection was; nil for one that had brought no answer yet
      # @!attribute began [Float] when the request was sent, as {Bench.now} tells it
      # @!attribute ended [Float] when it was known to be lost
      # @!attribute text [String]
      Loss = Data.define(:pid, :began, :ended, :text)

      private

      def ask
        @began = Bench.now
        super
      end

      def note(body) = @pid = Integer(body)

      def lose(text)
        loss = Loss.new(pid: @pid, began: @began, ended: Bench.now, text: text)
        super
        @faults[-1] = loss
      end

      def drop
        super
        @pid = nil
      end
    end

    # A client that sends a head byte by byte and gives up before its end, again and again. What it is answered with, if
    # anything, is all the same.
    class SlowClient
      BYTES = "GET / HTTP/1.1\r\nhost: bench\r\nx-slow: #{"x" * 40}".freeze
      # Seconds between two bytes.
      PAUSE = 0.05

      # @param port [Integer] the server's
      def initialize(port)
        @port = port
      end

      # @yieldreturn [Boolean] whether it is enough
      # @return [void]
      def run(&)
        drip(&) until yield
      end

      private

      def drip
        TCPSocket.open("127.0.0.1", @port) do |socket|
          BYTES.each_char do |byte|
            break if yield

            socket.write(byte)
            sleep PAUSE
          end
        end
      rescue SystemCallError
        sleep PAUSE
      end
    end
  end
end
