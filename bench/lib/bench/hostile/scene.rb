# frozen_string_literal: true

require_relative "bad_requests"
require_relative "descriptors"
require_relative "flood"
require_relative "footprint"
require_relative "frame_floods"
require_relative "heartbeat"
require_relative "ordinary"
require_relative "renegotiations"
require_relative "resets"
require_relative "slow_handshakes"
require_relative "slow_heads"
require_relative "slow_readers"
require_relative "small_strings"
require_relative "stalled_streams"
require_relative "uploads"

module Bench
  module Hostile
    # One crowd against the server, an ordinary client beside it, and what is left of both when they are gone.
    class Scene
      # In the order in which they are made.
      CROWDS = [SlowHeads, SlowReaders, SmallStrings, Resets, Flood, Uploads, Descriptors, ClosedLog, FullLog,
                SlowHandshakes, Renegotiations, RapidResets, Continuations, HpackBombs, Pings, StalledStreams].freeze

      # @!attribute title [String]
      # @!attribute p99 [Integer] milliseconds the ordinary client's may be
      # @!attribute clients [Integer] hostile ones
      # @!attribute seconds [Float] they were there
      # @!attribute ordinary [Ordinary::Report]
      # @!attribute outcome [Crowd::Outcome]
      # @!attribute before [Footprint]
      # @!attribute after [Footprint]
      # @!attribute heartbeat [Float] milliseconds of the longest gap of {Heartbeat}
      # @!attribute counted [Hash{Symbol => Integer}] by how much the server's counters have grown
      Result = Data.define(:title, :p99, :clients, :seconds, :ordinary, :outcome, :before, :after, :heartbeat,
                           :counted) do
        # @return [Integer] descriptors left behind; fewer than before are none
        def descriptors = after.descriptors - before.descriptors

        # @return [Float]
        def mib = (after.pss_kib - before.pss_kib) / 1024.0

        # @return [Array<String>]
        def faults
          lost = ordinary.faults.tally.map { |fault, count| "#{title}: #{count} of the ordinary client: #{fault}" }
          lost + outcome.faults.tally.map { |fault, count| count > 1 ? "#{fault} (#{count} times)" : fault }
        end
      end

      # @param server [Server]
      # @param counters [Soak::Counters] the server's
      # @param settings [Hash{Symbol => Object}] the server's
      def initialize(server, counters, settings)
        @server = server
        @counters = counters
        @settings = settings
      end

      # @param kind [Class] of crowd
      # @param count [Integer] of clients
      # @return [Result]
      def play(kind, count)
        counted = @counters.final
        before = Footprint.of(@server.tree)
        ordinary = Ordinary.new(@server.port).start
        crowd = kind.new(@server, count, @settings)
        began = Bench.now
        outcome = crowd.run
        seconds = Bench.now - began
        report = ordinary.stop
        raise Problem, "the server ended by itself:\n#{@server.log_end}" if @server.ended?

        heartbeat = Heartbeat.longest(@server, began)
        crowd.clear_up
        counted = @counters.final.to_h { |name, number| [name, number - counted.fetch(name)] }
        after = Footprint.after(@server.tree, before)
        Result.new(title: kind::TITLE, p99: kind::P99, clients: count, seconds: seconds, ordinary: report,
                   before: before, after: after, heartbeat: heartbeat, outcome: checked(outcome, crowd, counted),
                   counted: counted)
      ensure
        ordinary&.stop
      end

      private

      # The server has to say of each what has ended it.
      def checked(outcome, crowd, counted)
        counter = crowd.class::COUNTER
        return outcome if counter.nil? || counted[counter] >= crowd.counted

        fault = "#{crowd.class::TITLE}: the server counts #{counter} #{counted[counter]} and not #{crowd.counted}"
        outcome.with(faults: [*outcome.faults, fault])
      end
    end
  end
end
