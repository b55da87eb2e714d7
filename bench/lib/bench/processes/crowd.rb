# frozen_string_literal: true

require "socket"
require_relative "../problem"

module Bench
  module Processes
    # Clients that ask at the same time, each again as soon as it has its answer, which says who gave it.
    class Crowd
      # Seconds without any answer after which they are lost.
      PATIENCE = 30

      # @!attribute client [Integer] whose, from 0
      # @!attribute pid [Integer] who answered
      # @!attribute ms [Float] how long it took, from before the connection where there was none
      # @!attribute at [Float] when it came
      Answer = Data.define(:client, :pid, :ms, :at)

      # @return [Integer] connections that the server has closed after an answer
      attr_reader :closed

      # @param port [Integer]
      # @param path [String]
      # @param keeps [Boolean] whether they keep their connections
      def initialize(port, path, keeps: true)
        @request = "GET #{path} HTTP/1.1\r\nhost: bench\r\n#{"connection: close\r\n" unless keeps}\r\n"
        @port = port
        @closed = 0
      end

      # @param sockets [Array<Socket, nil>] one a client; nil for one that has none yet
      # @yieldparam answer [Answer]
      # @yieldreturn [Boolean] whether its client is to ask again
      # @return [void]
      def run(sockets)
        clients = sockets.each_with_index.to_h { |socket, client| ask(client, socket) }
        until clients.empty?
          readable, = IO.select(clients.keys, nil, nil, PATIENCE)
          raise Problem, "#{clients.size} clients had no answer in #{PATIENCE} s" unless readable

          readable.each do |socket|
            client, began = clients.delete(socket)
            pid, goes_on = read(socket)
            again = yield Answer.new(client: client, pid: pid, ms: (Bench.now - began) * 1000, at: Bench.now)
            socket.close unless goes_on && again
            clients.store(*ask(client, (socket if goes_on))) if again
          end
        end
      end

      private

      # Who waits for what, and since when.
      def ask(client, socket)
        began = Bench.now
        socket ||= TCPSocket.new("127.0.0.1", @port).tap { |fresh| fresh.setsockopt(:TCP, :NODELAY, 1) }
        socket.write(@request)
        [socket, [client, began]]
      end

      # The answer is short enough to come in one piece.
      def read(socket)
        head, pid = socket.readpartial(4096).split("\r\n\r\n", 2)
        raise Problem, "an answer was #{head.lines.first}" unless head.start_with?("HTTP/1.1 200")

        goes_on = !head.match?(/^connection: close/i)
        @closed += 1 unless goes_on
        [pid.to_i, goes_on]
      end
    end
  end
end
