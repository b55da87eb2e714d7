# frozen_string_literal: true

require_relative "goal"
require_relative "memory"
require_relative "traffic"

module Bench
  module Soak
    # What a run has shown.
    class Report
      # @param tally [Client::Tally] what the clients saw
      # @param memory [Memory]
      # @param counters [Hash{Symbol => Integer}, nil] what the server counted; nil when it can't be asked
      # @param stopped [Boolean] whether it ended in order when asked
      # @param seconds [Float] of the whole run
      # @param neighbours [Integer] how many more requests a crash can end, besides the one that made it
      def initialize(tally, memory, counters, stopped, seconds:, neighbours:)
        @tally = tally
        @memory = memory
        @counters = counters
        @stopped = stopped
        @seconds = seconds
        @neighbours = neighbours
        @checks = [answers, *(server if counters), growth, stop]
      end

      # @return [Boolean] whether nothing was wrong
      def passed?
        @checks.all?(&:last)
      end

      # @return [Array<String>] lines
      def to_a
        total = @tally.counts.values.sum
        kinds = @tally.counts.sort_by { |_, count| -count }.map { |kind, count| "#{kind} #{count}" }.join(", ")
        ["#{total} requests in #{@seconds.round} s, #{(total / @seconds).round} a second: #{kinds}", *@tally.messages,
         *@checks.map { |text, passed| passed ? text : "#{text}: FAULT" },
         passed? ? "soak: passed" : "soak: FAILED"]
      end

      private

      # @return [Array(String, Boolean)] as all below
      def answers
        wrong, lost = @tally.wrong, @tally.lost
        ["wrong answers: #{wrong}; lost requests: #{lost}", (wrong + lost).zero?]
      end

      def server
        listed = @counters.map { |name, number| "#{name} #{number}" }.join(", ")
        spared = [neighbours] if @neighbours.positive?
        [["the server's counters: #{listed}", true], died, *spared, aborted, answered, left]
      end

      def died
        asked, died = crashes, @counters[:died]
        # Two requests can end the same worker where it has several threads.
        fits = @neighbours.zero? ? died == asked : died <= asked && (died.positive? || asked.zero?)
        ["workers ended by requests: #{asked}; died: #{died}", fits]
      end

      def neighbours
        failed, closed = @tally.failed, @tally.closed
        ["ended by a neighbour's crash in its ractor: #{failed} answered with 500, #{closed} closed; possible are " \
         "#{@neighbours} a crash", failed + closed <= @counters[:died] * @neighbours]
      end

      def aborted
        aborted, left = @counters[:aborted], @tally.counts[:abort]
        cut = @tally.counts[:cut] + @tally.closed
        ["connections closed in the middle of an answer: #{cut}, and #{left} clients left at a bad time; aborted: " \
         "#{aborted}", aborted.between?(cut, cut + left)]
      end

      def answered
        none = %i[abort cut].sum { |kind| @tally.counts[kind] } + @tally.closed
        seen = @tally.counts.values.sum - none - @tally.lost - @tally.wrong
        ["whole answers read: at least #{seen}; answered: #{@counters[:answered]}", @counters[:answered] >= seen]
      end

      def left
        connections, running = @counters.values_at(:connections, :running)
        ["left over at the end: #{connections} connections, #{running} requests", (connections + running).zero?]
      end

      def growth
        done = @tally.counts.values.sum
        unless @memory.telling?(done)
          return ["memory: the run is too short to tell whether it is flat; from #{Goal::FEWEST} requests or " \
                  "#{Goal::SHORTEST} s on it does", true]
        end

        spans = [Memory::EARLY, Memory::LATE].map { |span| "#{span.first}-#{span.last}%" }
        [format("memory: %<early>.1f MiB at %<first>s of the run, %<late>.1f MiB at %<last>s: %<verdict>s",
                first: spans.first, last: spans.last, early: @memory.early / 1024.0, late: @memory.late / 1024.0,
                verdict: @memory.flat? ? "flat" : "not flat"), @memory.flat?]
      end

      def stop
        ["stopped in order when asked: #{@stopped ? "yes" : "no"}", @stopped]
      end

      def crashes
        Traffic::CRASHES.keys.sum { |kind| @tally.counts[kind] }
      end
    end
  end
end
