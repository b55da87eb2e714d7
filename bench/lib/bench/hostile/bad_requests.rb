# frozen_string_literal: true

require_relative "crowd"

module Bench
  module Hostile
    # Clients whose requests are wrong, each of which the server has something to say of. Each has to have its refusal.
    class BadRequests < Crowd
      COUNTER = :malformed
      REQUEST = "GET / HTTP/9.9\r\nhost: bench\r\n\r\n"

      private

      def act
        gather(REQUEST) { hear }
        until_then = Bench.now + PATIENCE
        until @clients.empty? || Bench.now > until_then
          hear
          sleep TICK
        end
        fault_of_the_rest("were not answered")
      end

      def hear
        each_ready do |client|
          answer = receive(client)
          status = answer && answer[%r{\AHTTP/1\.1 (\d{3}) }, 1]
          fault("answered with #{answer&.lines&.first.inspect}") unless status == "505"
          finish(client, status ? "answered with #{status}" : "closed")
        end
      end
    end

    # While standard error is a pipe whose reader has gone.
    class ClosedLog < BadRequests
      TITLE = "bad requests, log closed"
      OPTION = :closed_log
      LOG = :closed
    end

    # While standard error is a small pipe that nobody reads.
    class FullLog < BadRequests
      TITLE = "bad requests, log full"
      OPTION = :full_log
      LOG = :full
    end
  end
end
