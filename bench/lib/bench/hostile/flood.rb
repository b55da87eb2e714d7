# frozen_string_literal: true

require_relative "content"
require_relative "crowd"

module Bench
  module Hostile
    # More clients than `max_connections`, each of which asks for something small and keeps its connection. Each has to
    # have its answer: those that have been idle for longest are closed for the newcomers.
    class Flood < Crowd
      TITLE = "flood past max_connections"
      OPTION = :excess
      COUNTER = :evicted
      REQUEST = "GET / HTTP/1.1\r\nhost: bench\r\n\r\n"
      # @return [Integer] as many as are too many, but for those who come when others have left by themselves
      def counted
        @count / 2
      end

      private

      def act
        total = @settings[:max_connections] - 1 + @count # one is the ordinary client's
        @held = []
        gather(REQUEST, count: total) { hear }
        await(PATIENCE) { @held.size >= total }
        @ends["answered"] = @held.size
        @held.each(&:close)
        fault_of_the_rest("waited and were never answered")
      end

      def await(seconds)
        until_then = Bench.now + seconds
        until yield || Bench.now > until_then
          hear
          sleep TICK
        end
      end

      # The answer is short enough to come in one piece.
      def hear
        each_ready do |client|
          answer = receive(client)
          @clients.delete(client)
          @held << client
          whole = answer&.start_with?("HTTP/1.1 200 ") && answer&.end_with?(Content::HELLO)
          fault("answered with #{answer&.lines&.first.inspect}") unless whole
        end
      end
    end
  end
end
