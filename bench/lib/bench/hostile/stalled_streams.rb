# frozen_string_literal: true

require_relative "content"
require_relative "footprint"
require_relative "frames"
require_relative "slow_readers"

module Bench
  module Hostile
    # Streams of a few connections of HTTP/2, each of which asks for 256 KiB that are its own, and whose windows are
    # closed: not a byte of any body may be sent. The server has to give each stream up when its `write_timeout` is
    # over, and may keep only so much of their answers in memory.
    class StalledStreams < Crowd
      TITLE = "stalled streams"
      OPTION = :stalled_streams
      COUNTER = :write_timeout
      # Streams of one connection: fewer than `http2_max_streams`.
      STREAMS = 100
      # MiB by which the server's memory may grow meanwhile.
      MOST_MIB = 256
      # Seconds between two looks at it, each of which holds the server up.
      LOOK = 0.25

      # @param settings [Hash{Symbol => Object}]
      # @return [Hash{Symbol => Object}]
      def self.settings(settings) = settings.merge(http2: true)

      # What Ruby has not collected, and the allocator not given back, is not what the server has kept.
      def clear_up
        @server.get("/collect")
      end

      private

      def act
        @heard = {}.compare_by_identity
        before = Footprint.of(@server.tree)
        enter
        mib = (peak - before.pss_kib) / 1024
        @ends["#{mib} MiB of memory at most"] = @count
        fault("the server's memory has grown by #{mib} MiB, more than #{MOST_MIB}") if mib > MOST_MIB
        left = @count - @ends["given up"]
        fault("#{left} of #{@count} streams were not given up") if left.positive?
        @clients.dup.each(&:close).clear
      end

      def enter
        @count.times.each_slice(STREAMS) do |numbers|
          client = connect
          @clients << client
          @heard[client] = +"".b
          asked = numbers.each_index.map { |at| Frames.get(1 + (2 * at), "/own") }.join
          client.write(Frames.opening(Frames::INITIAL_WINDOW_SIZE => 0) << asked)
        end
      end

      # Hears what becomes of them meanwhile.
      # @return [Integer] the most memory that the server has until all of them are given up, in KiB
      def peak
        until_then = Bench.now + @settings[:write_timeout] + PATIENCE
        most = looked = 0
        until @ends["given up"] >= @count || Bench.now > until_then
          if Bench.now > looked + LOOK
            most = [most, Footprint.of(@server.tree).pss_kib].max
            looked = Bench.now
          end
          each_ready { |client| hear(client) }
          sleep TICK
        end
        most
      end

      def hear(client)
        part = receive(client)
        if part.nil?
          fault("a connection was ended")
          return finish(client, "ended")
        end
        Frames.take(@heard[client] << part).each do |frame|
          fault("a byte was sent") if frame.kind == Frames::KINDS[:data] && !frame.payload.empty?
          @ends["given up"] += 1 if frame.kind == Frames::KINDS[:reset] && frame.code == Frames::CANCEL
        end
      end
    end
  end
end
