# frozen_string_literal: true

require_relative "crowd"
require_relative "frames"

module Bench
  module Hostile
    # Connections of HTTP/2 that each send more of something than anybody needs, as fast as they can. The server has to
    # end each for that; another comes in its place until FLOODING is over. Kinds say what they send in `bytes`.
    class FrameFlood < Crowd
      # Seconds in which new ones come.
      FLOODING = 3

      # @param settings [Hash{Symbol => Object}]
      # @return [Hash{Symbol => Object}]
      def self.settings(settings) = settings.merge(http2: true)

      # @return [Integer]
      def counted = @ends.values.sum

      private

      def act
        @unsent = {}.compare_by_identity
        @heard = {}.compare_by_identity
        @bytes = Array.new(2) { |number| Frames.opening << bytes(number) }
        @until_then = Bench.now + FLOODING
        @count.times { |number| enter(number) }
        step until @clients.empty? || Bench.now > @until_then + PATIENCE
        fault_of_the_rest("were not ended")
      end

      def enter(number)
        client = connect
        @clients << client
        @unsent[client] = @bytes[number % @bytes.size].dup
        @heard[client] = +"".b
      end

      def step
        readable, writable = IO.select(@clients, @clients.reject { |client| @unsent[client].empty? }, nil, TICK)
        writable&.each { |client| send_more(client) }
        readable&.each { |client| hear(client) }
      end

      # Who can't send has been ended, which it hears when it reads.
      def send_more(client)
        sent = client.write_nonblock(@unsent[client], exception: false)
        @unsent[client].slice!(0, sent) unless sent == :wait_writable
      rescue SystemCallError
        @unsent[client].clear
      end

      # A connection that is closed while it is sent to is reset, which may destroy the word on its way.
      def hear(client)
        part = receive(client)
        return @heard[client] << part if part

        goaway = Frames.take(@heard[client]).find { |frame| frame.kind == Frames::KINDS[:goaway] }
        fault("ended with code #{goaway.code}") unless goaway.nil? || goaway.code == Frames::ENHANCE_YOUR_CALM
        [@unsent, @heard].each { |known| known.delete(client) }
        finish(client, goaway ? "told to calm down" : "reset")
        enter(counted) if Bench.now < @until_then
      end
    end

    # Requests that are reset as soon as they are sent: each costs the server a worker, and its client no stream.
    class RapidResets < FrameFlood
      TITLE = "rapid resets"
      OPTION = :rapid_resets
      COUNTER = :http2_max_resets
      PAIRS = 1_000

      private

      def bytes(_)
        Array.new(PAIRS) do |at|
          id = 1 + (2 * at)
          Frames.get(id) << Frames.frame(:reset, 0, id, [Frames::CANCEL].pack("N"))
        end.join
      end
    end

    # Header blocks that never end: each frame is a small part of one.
    class Continuations < FrameFlood
      TITLE = "CONTINUATION without end"
      OPTION = :continuations
      COUNTER = :http2_max_continuations
      FRAMES = 2_000
      FIELD = "\0\x06x-slow\x01x".b.freeze

      private

      def bytes(_)
        Frames.frame(:headers, Frames::END_STREAM, 1, Frames.block("/")) <<
          (Frames.frame(:continuation, 0, 1, FIELD) * FRAMES)
      end
    end

    # Header blocks of 16 KB that stand for 40 MB: one large field, remembered, and then a byte for each repetition.
    class HpackBombs < FrameFlood
      TITLE = "HPACK bombs"
      OPTION = :hpack_bombs
      COUNTER = :http2_header_blocks
      VALUE = ("x" * 3_900).freeze
      REPEATED = 10_000
      # The first field that a client has had remembered.
      AGAIN = "\xbe".b.freeze

      private

      def bytes(_)
        length = VALUE.bytesize - 127
        large = "\x40\x01x\x7f".b << [(length % 128) | 128, length / 128].pack("CC") << VALUE
        block = Frames.block("/") << large << (AGAIN * REPEATED)
        Frames.frame(:headers, Frames::END_STREAM | Frames::END_HEADERS, 1, block)
      end
    end

    # Frames that each have to be answered, and ask for nothing: half of the clients send PING, the others SETTINGS.
    class Pings < FrameFlood
      TITLE = "PING and SETTINGS"
      OPTION = :pings
      COUNTER = :http2_max_control_frames
      FRAMES = 3_000

      private

      def bytes(number)
        (number.even? ? Frames.frame(:ping, 0, 0, "12345678") : Frames.frame(:settings)) * FRAMES
      end
    end
  end
end
