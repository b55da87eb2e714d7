# frozen_string_literal: true

require "socket"
require_relative "../problem"
require_relative "content"

module Bench
  module Hostile
    # A process with one client that asks for something small again and again, on a connection that it keeps: whoever is
    # to be served while others are hostile. The process is its own, so that it doesn't wait for theirs.
    #
    # While it waits for one answer it asks for no other, so that of a server which stands still for a second it sees
    # one bad answer among a thousand good ones. So it also tells what those see who ask every INTERVAL, whatever the
    # server does (what load generators call coordinated omission).
    class Ordinary
      # Seconds between an answer and the next request.
      INTERVAL = 0.002
      # Seconds without an answer after which it counts as lost.
      PATIENCE = 10
      REQUEST = "GET / HTTP/1.1\r\nhost: bench\r\n\r\n"

      # @!attribute served [Integer] right answers
      # @!attribute p50 [Float] milliseconds; 0 without an answer
      # @!attribute p99 [Float]
      # @!attribute max [Float]
      # @!attribute anytime [Float] the p99 of those who ask at any time
      # @!attribute faults [Array<String>] one for each request without its right answer
      Report = Data.define(:served, :p50, :p99, :max, :anytime, :faults)

      # @param port [Integer] the server's
      def initialize(port)
        @port = port
        @times = []
        @waits = []
        @faults = []
      end

      # Starts the process; it has had its first answer when this returns.
      # @return [self]
      def start
        @reader, writer = IO.pipe(binmode: true)
        @pid = fork do
          trap("INT", "IGNORE") # Ctrl-C reaches the whole terminal; the parent decides
          trap("TERM") { @over = true }
          @reader.close
          Marshal.dump(ask_until_told { writer.write(".") }, writer)
        ensure
          exit!(true) # the parent's own ensure blocks, which end the server, are not for a child
        end
        writer.close
        @reader.read(1) || raise(Problem, "the client that was to be served meanwhile has died")
        self
      end

      # Ends the process. Safe to call twice.
      # @return [Report, nil]
      def stop
        return unless @pid

        Process.kill("TERM", @pid)
        report = Marshal.load(@reader)
        Process.wait(@pid)
        @pid = nil
        report
      rescue EOFError, TypeError
        raise Problem, "the client that was to be served meanwhile has died"
      ensure
        @reader&.close
      end

      private

      def ask_until_told
        ask
        yield
        until @over
          ask
          sleep INTERVAL
        end
        @socket&.close
        report
      end

      # The answer is short enough to come in one piece.
      def ask
        @socket ||= connect
        began = Bench.now
        @socket.write(REQUEST)
        raise IO::TimeoutError, "no answer in #{PATIENCE} s" unless @socket.wait_readable(PATIENCE)

        answer = @socket.readpartial(4096)
        whole = answer.start_with?("HTTP/1.1 200 ") && answer.end_with?("\r\n\r\n#{Content::HELLO}")
        whole ? answered((Bench.now - began) * 1000) : fail_with(answer.lines.first.to_s.chomp)
      rescue SystemCallError, IOError => e
        fail_with("#{e.class}: #{e.message}")
      end

      # @param took [Float] milliseconds
      def answered(took)
        @times << took
        took.step(0, -INTERVAL * 1000) { |wait| @waits << wait }
      end

      def connect
        TCPSocket.new("127.0.0.1", @port).tap { |socket| socket.setsockopt(:TCP, :NODELAY, 1) }
      end

      def fail_with(text)
        @faults << text
        @socket&.close
        @socket = nil
      end

      def report
        times = @times.sort
        Report.new(served: times.size, p50: at(times, 0.5), p99: at(times, 0.99), max: at(times, 1),
                   anytime: at(@waits.sort, 0.99), faults: @faults)
      end

      def at(sorted, part)
        sorted.empty? ? 0.0 : sorted[(sorted.size * part).floor.clamp(0, sorted.size - 1)]
      end
    end
  end
end
