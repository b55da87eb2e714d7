# frozen_string_literal: true

require_relative "../server"
require_relative "crowd"
require_relative "plan"

module Bench
  module Processes
    # Keep-alive clients that all sit on one of two processes, and keep it busy: when the other has its part of them.
    module Spread
      CLIENTS = 16
      # Seconds that are looked at.
      SPAN = 3
      # The busiest may have so many times its share.
      LIMIT = 1.3

      # @!attribute ms [Float] until they are spread; of the whole span when they never were
      # @!attribute closed [Integer] connections that the server closed for it
      # @!attribute busiest [Float] clients on the busier process at the end
      Sample = Data.define(:ms, :closed, :busiest)

      module_function

      # @param contender [Bench::Plan::Contender]
      # @return [Sample]
      def measure(contender)
        server = Server.start(contender.name, &contender.command).await
        sleep 1 # both processes are there
        watch(server, crowded(server))
      ensure
        server&.stop
      end

      # So many connections as one process has of twice as many and some.
      def crowded(server)
        all = Array.new((CLIENTS * 2) + 8) do
          socket = TCPSocket.new("127.0.0.1", server.port)
          socket.write("GET / HTTP/1.1\r\nhost: bench\r\n\r\n")
          [socket, socket.readpartial(4096)[/\d+\z/]]
        end
        kept = all.group_by(&:last).values.max_by(&:size).first(CLIENTS).map(&:first)
        all.each { |socket, _| socket.close unless kept.include?(socket) }
        kept
      end

      def watch(server, sockets)
        began = Bench.now
        spread = nil
        where = Array.new(sockets.size)
        crowd = Crowd.new(server.port, "/busy")
        crowd.run(sockets) do |answer|
          where[answer.client] = answer.pid
          spread ||= answer.at if where.all? && busiest(where) <= LIMIT * CLIENTS / 2
          answer.at < began + SPAN
        end
        Sample.new(ms: ((spread || Bench.now) - began) * 1000, closed: crowd.closed, busiest: busiest(where))
      end

      def busiest(where) = where.tally.values.max
      private_class_method :crowded, :watch, :busiest
    end
  end
end
