# frozen_string_literal: true

require_relative "content"
require_relative "footprint"
require_relative "slow_readers"

module Bench
  module Hostile
    # The same with answers that are many small strings, each client's its own: of nearly 1 GB the server may keep only
    # so much in memory.
    class SmallStrings < SlowReaders
      TITLE = "slow readers of small strings"
      OPTION = :small_strings
      REQUEST = "GET /small HTTP/1.1\r\nhost: bench\r\n\r\n"
      # MiB by which the server's memory may grow meanwhile: what it keeps, and what Ruby has not collected yet.
      MOST_MIB = 512
      # Seconds between two looks at it, each of which holds the server up.
      LOOK = 0.25

      # What Ruby has not collected, and the allocator not given back, is not what the server has kept.
      def clear_up
        @server.get("/collect")
      end

      private

      def act
        before = Footprint.of(@server.tree)
        gather(REQUEST, batch: TOGETHER)
        mib = (peak(before) - before.pss_kib) / 1024
        @ends["#{mib} MiB of memory at most"] = @count
        fault("the server's memory has grown by #{mib} MiB, more than #{MOST_MIB}") if mib > MOST_MIB
        @clients.dup.each { |client| drain(client) }
      end

      # @return [Integer] the most memory that the server has until all of them are given up, in KiB
      def peak(before)
        until_then = Bench.now + @settings[:write_timeout] + PATIENCE
        most = 0
        loop do
          footprint = Footprint.of(@server.tree)
          most = [most, footprint.pss_kib].max
          return most if footprint.descriptors <= before.descriptors || Bench.now > until_then

          sleep LOOK
        end
      end

      def size = Content::PIECE.bytesize * Content::PIECES
    end
  end
end
