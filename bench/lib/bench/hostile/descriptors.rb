# frozen_string_literal: true

require_relative "content"
require_relative "crowd"

module Bench
  module Hostile
    # Clients that each announce a body too long for memory, to a server that may have few files open: nearly half as
    # many as it has descriptors, so that there is not one for each socket and one for each file. They may be told that
    # there is no room (503). But the app can still open a file, for a client that was there before, and a newcomer is
    # served.
    class Descriptors < Crowd
      TITLE = "uploads at ulimit -n 256"
      OPTION = :descriptors
      COUNTER = nil
      SPAWN = { rlimit_nofile: 256 }.freeze
      ANNOUNCED = 100_000
      HEAD = "POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: #{ANNOUNCED}\r\n\r\nx".freeze
      # Bytes that are more than `body_buffer` holds.
      MORE = 70_000
      # Seconds in which the server may look at what has come.
      MOMENT = 0.5

      # The server decides how many connections it takes.
      # @param settings [Hash{Symbol => Object}]
      # @return [Hash{Symbol => Object}]
      def self.settings(settings) = settings.except(:max_connections)

      private

      def act
        @older = connect
        gather(HEAD)
        look("after a byte of each")
        send_each("x" * MORE)
        look("after #{MORE} bytes of each")
        send_each("x" * (ANNOUNCED - MORE - 1))
        until_then = Bench.now + PATIENCE
        until @clients.empty? || Bench.now > until_then
          each_ready { |client| hear(client) }
          sleep TICK
        end
        fault_of_the_rest("had no answer to a whole body")
      ensure
        @older&.close
      end

      # What is sent fits into the kernel's buffers, so a server that doesn't read holds nobody up.
      def send_each(bytes)
        @clients.dup.each do |client|
          client.write_nonblock(bytes, exception: false)
        rescue SystemCallError
          hear(client) # it has been refused, and closed
        end
        sleep MOMENT
      end

      # What the others see.
      def look(moment)
        @older.write("GET /file HTTP/1.1\r\nhost: bench\r\n\r\n")
        answer = @older.wait_readable(PATIENCE) ? receive(@older) : "nothing"
        fault("#{moment}, the app's file was answered with #{answer&.lines&.first.inspect}") unless good?(answer)
        answer = @server.get("/")
        fault("#{moment}, a newcomer was answered with #{answer.first}") unless answer == [200, Content::HELLO]
      rescue SystemCallError, IOError => e
        fault("#{moment}, a client was not served: #{e.class}")
      end

      # The answer is short enough to come in one piece.
      def good?(answer) = answer.to_s.start_with?("HTTP/1.1 200 ")

      def hear(client)
        answer = receive(client)
        return if answer == ""

        status = answer && answer[%r{\AHTTP/1\.1 (\d{3}) }, 1]
        fault("answered with #{answer&.lines&.first.inspect}") unless %w[200 503].include?(status)
        finish(client, status ? "answered with #{status}" : "closed")
      end
    end
  end
end
