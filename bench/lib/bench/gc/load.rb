# frozen_string_literal: true

require "socket"
require_relative "../problem"

module Bench
  module Gc
    # Clients that ask at random times, so that there are gaps between requests, in a process of their own.
    class Load
      # Clients, each of which has one request on its way at most.
      CLIENTS = 8
      # Seconds without an answer after which all is given up.
      PATIENCE = 30

      # @!attribute times [Array<Float>] milliseconds of each request
      # @!attribute hit [Integer] requests that a major collection came in the middle of
      Result = Data.define(:times, :hit)

      # @param port [Integer]
      # @param path [String]
      # @param rate [Numeric] requests a second, of all clients together
      def initialize(port, path, rate)
        @port = port
        @request = "GET #{path} HTTP/1.1\r\nhost: bench\r\n\r\n"
        @pause = CLIENTS / rate.to_f
      end

      # @param seconds [Numeric]
      # @return [Result]
      # @raise [Problem] when an answer is not what it should be
      def run(seconds)
        answers, theirs = IO.pipe(binmode: true)
        pid = fork do
          answers.close
          Marshal.dump(ask_for(seconds), theirs)
        ensure
          exit!(true) # the parent's own ensure blocks, which end the server, are not for a child
        end
        theirs.close
        samples = Marshal.load(answers)
        raise Problem, samples if samples.is_a?(String)

        Result.new(times: samples.map(&:first), hit: samples.count { |_, majors| majors.positive? })
      rescue EOFError
        raise Problem, "the clients have died"
      ensure
        answers.close
        Process.wait(pid)
      end

      private

      def ask_for(seconds)
        until_then = Bench.now + seconds
        GC.disable # its pauses are not the server's
        Array.new(CLIENTS) { Thread.new { ask_until(until_then) } }.flat_map(&:value)
      rescue SystemCallError, IOError => error
        error.message
      end

      # As many who have nothing to do with each other ask: the time between two requests of a client, its answer not
      # counted, is distributed exponentially.
      def ask_until(until_then)
        Thread.current.report_on_exception = false
        socket = TCPSocket.new("127.0.0.1", @port)
        socket.setsockopt(:TCP, :NODELAY, 1)
        socket.timeout = PATIENCE
        samples = []
        sleep(rand * @pause)
        while Bench.now < until_then
          samples << ask(socket)
          sleep(-Math.log(1 - rand) * @pause)
        end
        samples
      end

      def ask(socket)
        began = Bench.now
        socket.write(@request)
        head = socket.gets("\r\n\r\n") or raise EOFError, "closed without an answer"
        raise IOError, head.lines.first.chomp unless head.start_with?("HTTP/1.1 200")

        socket.read(Integer(head[/^content-length: (\d+)/i, 1]))
        [(Bench.now - began) * 1000, Integer(head[/^x-major: (\d+)/i, 1])]
      end
    end
  end
end
