# frozen_string_literal: true

require "socket"
require_relative "../problem"
require_relative "plan"

module Bench
  module Ractors
    # A process whose clients are served while others make workers crash. They leave the machine room: what is measured
    # is the crash, not the load.
    class Bystanders
      CONNECTIONS = 4
      # Seconds between two rounds of requests, one on each connection.
      PAUSE = 0.002
      # Seconds without an answer after which it counts as lost.
      PATIENCE = 10

      # @!attribute served [Integer] right answers
      # @!attribute faults [Array<String>]
      Report = Data.define(:served, :faults)

      # @param port [Integer] the server's
      def initialize(port)
        @port = port
        @faults = []
        @served = 0
      end

      # Starts the process.
      # @return [self]
      def start
        @reader, writer = IO.pipe(binmode: true)
        @pid = fork do
          trap("INT", "IGNORE") # Ctrl-C reaches the whole terminal; the parent decides
          trap("TERM") { @over = true }
          Marshal.dump(ask_until_told, writer)
        ensure
          exit!(true) # the parent's own ensure blocks, which end the server, are not for a child
        end
        writer.close
        self
      end

      # Ends the process. Safe to call twice.
      # @return [Report, nil]
      def stop
        return unless @pid

        Process.kill("TERM", @pid)
        Process.wait(@pid)
        @pid = nil
        Marshal.load(@reader)
      rescue EOFError
        raise Problem, "the clients that were to be served meanwhile have died"
      ensure
        @reader&.close
      end

      private

      def ask_until_told
        sockets = Array.new(CONNECTIONS)
        until @over
          sockets.map! { |socket| send_on(socket) }
          sockets.map! { |socket| socket && read_from(socket) }
          sleep PAUSE
        end
        Report.new(served: @served, faults: @faults)
      end

      def send_on(socket)
        socket ||= TCPSocket.new("127.0.0.1", @port).tap { |fresh| fresh.timeout = PATIENCE }
        socket.write("GET #{Plan::PLAINTEXT.path} HTTP/1.1\r\nhost: bench\r\n\r\n")
        socket
      rescue SystemCallError, IOError => e
        failed(socket, e.message)
      end

      # The answer is short enough to come in one piece.
      def read_from(socket)
        answer = socket.readpartial(4096)
        whole = answer.start_with?("HTTP/1.1 200 ") && answer.end_with?("\r\n\r\n#{Plan::PLAINTEXT.body}")
        return failed(socket, answer.lines.first.chomp) unless whole

        @served += 1
        socket
      rescue SystemCallError, IOError => e
        failed(socket, e.message)
      end

      def failed(socket, text)
        @faults << text
        socket&.close
        nil
      end
    end
  end
end
