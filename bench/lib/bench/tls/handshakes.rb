# frozen_string_literal: true

require "openssl"
require "socket"
require "uri"
require_relative "../problem"
require_relative "../wrk"

module Bench
  module Tls
    # Clients that connect, shake hands in full, say that they have nothing to ask, and wait for the server's end: so
    # each handshake is one that the server has finished, and nothing else is paid for. Each is a process.
    class Handshakes
      # The key exchange that all servers know. OpenSSL's own choice is a post-quantum one, which costs those that have
      # it more.
      GROUP = "X25519"
      # With TLS 1.2 the certificate's own curve has to be named, too.
      GROUPS = "#{GROUP}:prime256v1".freeze
      # Seconds that a handshake may take.
      PATIENCE = 10

      # @param version [Integer] of TLS, as Ruby's OpenSSL names it
      def initialize(version)
        @version = version
      end

      # @param url [String]
      # @param seconds [Integer]
      # @param connections [Integer] as many clients
      # @return [Wrk::Result] of handshakes instead of requests
      def run(url, seconds:, connections:)
        clients = Array.new(connections) { start(URI(url).port, seconds) }
        said = clients.map { |_, answer| Marshal.load(answer) }
        result(said.flat_map(&:first), said.flat_map(&:last), seconds)
      rescue EOFError
        raise Problem, "a client that shakes hands with #{url} has died"
      ensure
        clients&.each { |pid, answer| finish(pid, answer) }
      end

      private

      def result(times, faults, seconds)
        raise Problem, "no handshake was made: #{faults.first}" if times.empty?

        sorted = times.sort
        p50, p99 = [50, 99].map { |part| sorted[sorted.size * part / 100] }
        Wrk::Result.new(requests: sorted.size, rps: sorted.size / seconds.to_f, p50: p50, p99: p99,
                        faults: faults.tally.map { |text, count| "#{count} #{text}" })
      end

      # @return [Array(Integer, IO)] process id, and where it says what it has seen
      def start(port, seconds)
        answer, theirs = IO.pipe(binmode: true)
        pid = fork do
          trap("INT", "IGNORE") # Ctrl-C reaches the whole terminal; the parent decides
          trap("TERM", "DEFAULT")
          answer.close
          Marshal.dump(shake(port, seconds), theirs)
        ensure
          exit!(true) # the parent's own ensure blocks, which end the servers, are not for a child
        end
        theirs.close
        [pid, answer]
      end

      # Interrupted: the load must not outlive the benchmark.
      def finish(pid, answer)
        answer.close
        Process.kill("TERM", pid)
        Process.wait(pid)
      end

      # @return [Array(Array<Float>, Array<String>)] milliseconds of each handshake, and what went wrong
      def shake(port, seconds)
        times, faults, context = [], [], client
        deadline = Bench.now + seconds
        while Bench.now < deadline
          begin
            times << shake_once(port, context)
          rescue SystemCallError, IOError, OpenSSL::SSL::SSLError => e
            faults << "#{e.class}: #{e.message}"
          end
        end
        [times, faults]
      end

      def shake_once(port, context)
        Socket.tcp("127.0.0.1", port, connect_timeout: PATIENCE) do |socket|
          socket.timeout = PATIENCE
          before = Bench.now
          tls = OpenSSL::SSL::SSLSocket.new(socket, context).connect
          took = (Bench.now - before) * 1000
          raise IOError, "a session was resumed" if tls.session_reused?

          tls.close # says so, and leaves the socket open
          socket.read
          took
        end
      end

      def client
        OpenSSL::SSL::SSLContext.new.tap do |context|
          context.verify_mode = OpenSSL::SSL::VERIFY_NONE
          context.min_version = context.max_version = @version
          context.ecdh_curves = GROUPS
        end
      end
    end
  end
end
