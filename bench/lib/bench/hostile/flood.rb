# frozen_string_literal: true

require_relative "content"
require_relative "crowd"

module Bench
  module Hostile
    # More clients than `max_connections`, each of which asks for something small and keeps its connection. Those past
    # the limit have to wait, neither refused nor served, until others leave; and then each has to have its answer.
    class Flood < Crowd
      TITLE = "flood past max_connections"
      OPTION = :excess
      COUNTER = :max_connections
      REQUEST = "GET / HTTP/1.1\r\nhost: bench\r\n\r\n"
      # Seconds for which those past the limit are seen to wait.
      WAITING = 1

      # @return [Integer] the server counts how often it was full
      def counted
        1
      end

      private

      def act
        room = @settings[:max_connections] - 1 # one is the ordinary client's
        @held = []
        gather(REQUEST, count: room + @count) { hear }
        await(PATIENCE) { @held.size >= room }
        await(WAITING) { @held.size > room }
        fault("#{@held.size} of #{room + @count} were answered, #{room} should have been") unless @held.size == room
        @ends["answered at once"] = @held.size
        @held.each_slice(BATCH) { |leaving| let_go(leaving) }
        answer_the_waiting
      end

      def let_go(leaving)
        leaving.each(&:close)
        sleep TICK
      end

      def answer_the_waiting
        @held = []
        await(PATIENCE) { @clients.empty? }
        @ends["answered after waiting"] = @held.size
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
          whole = answer&.start_with?("HTTP/1.1 200 ") && answer.end_with?(Content::HELLO)
          fault("answered with #{answer&.lines&.first.inspect}") unless whole
        end
      end
    end
  end
end
