# frozen_string_literal: true

require "json"
require_relative "../problem"

module Bench
  module Hostile
    # A thread of the server's process that sleeps for a millisecond again and again, and keeps for how long it could
    # not go on: what keeps it from the GVL keeps every Ruby thread from it. The app tells the gaps under PATH. What
    # Ruby's garbage collector took of a gap is not the server's, and doesn't count.
    module Heartbeat
      PATH = "/heartbeat"
      # Seconds of a sleep.
      BEAT = 0.001
      # Milliseconds of the gaps that are kept, and how many of them.
      NOTABLE = 5
      KEPT = 2_000

      @gaps = [].freeze

      module_function

      # Starts the thread, in the main ractor. Others may ask for the gaps: what they can see is frozen.
      def start
        Thread.new do
          last = Bench.now
          collected = GC.stat(:time)
          loop do
            sleep BEAT
            gap = ((Bench.now - last) * 1000) - (GC.stat(:time) - collected)
            last = Bench.now
            collected = GC.stat(:time)
            @gaps = Ractor.make_shareable([*@gaps.last(KEPT - 1), [last, gap]]) if gap > NOTABLE
          end
        end
      end

      # @return [String] the gaps as JSON: when each ended, in seconds of a clock that all processes share, and its
      #   milliseconds
      def to_json = JSON.generate(@gaps)

      # @param server [Server] one whose app tells
      # @param since [Float] seconds of that clock
      # @return [Float] milliseconds of the longest gap since then; NOTABLE where there was none that is kept
      def longest(server, since)
        status, body = server.get(PATH)
        raise Problem, "#{PATH} was answered with #{status}" unless status == 200

        JSON.parse(body).filter_map { |ended, gap| gap if ended > since }.max || NOTABLE.to_f
      end
    end
  end
end
