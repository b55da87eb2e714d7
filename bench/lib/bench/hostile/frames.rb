# frozen_string_literal: true

module Bench
  module Hostile
    # As much of HTTP/2 as hostile clients need: the bytes of frames (RFC 9113), and frames out of bytes.
    module Frames
      PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
      KINDS = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window_update: 8,
                continuation: 9 }.freeze
      ACK = 1
      END_STREAM = 1
      END_HEADERS = 4
      # Numbers of settings.
      INITIAL_WINDOW_SIZE = 4
      # Codes of resets and of GOAWAY.
      CANCEL = 8
      ENHANCE_YOUR_CALM = 11
      HEADER = 9

      # @!attribute kind [Integer]
      # @!attribute stream [Integer]
      # @!attribute payload [String]
      Frame = Data.define(:kind, :stream, :payload) do
        # @return [Integer] a reset's or GOAWAY's
        def code = payload.unpack(kind == KINDS[:goaway] ? "NN" : "N").last
      end

      module_function

      # @param kind [Symbol] of KINDS
      # @param flags [Integer]
      # @param stream [Integer]
      # @param payload [String]
      # @return [String]
      def frame(kind, flags = 0, stream = 0, payload = "")
        length = payload.bytesize
        [length >> 16, length & 0xffff, KINDS.fetch(kind), flags, stream].pack("CnCCN") << payload.b
      end

      # What a client begins with.
      # @param settings [Hash{Integer => Integer}]
      # @return [String]
      def opening(settings = {})
        PREFACE.b << frame(:settings, 0, 0, settings.map { |name, value| [name, value].pack("nN") }.join)
      end

      # A whole request without a body.
      # @param stream [Integer]
      # @param path [String] of fewer than 127 bytes
      # @return [String]
      def get(stream, path = "/")
        frame(:headers, END_HEADERS | END_STREAM, stream, block(path))
      end

      # The fields of one, compressed by the protocol's own table alone (RFC 7541 appendix A).
      # @param path [String]
      # @return [String]
      def block(path)
        [0x82, 0x86, 0x04, path.bytesize].pack("C*") << path.b << [0x01, 5].pack("C*") << "bench".b
      end

      # Takes the frames that are whole off what has come.
      # @param bytes [String] keeps the rest
      # @return [Array<Frame>]
      def take(bytes)
        frames = []
        while bytes.bytesize >= HEADER
          high, low, kind, _, stream = bytes.unpack("CnCCN")
          length = (high << 16) + low
          break if bytes.bytesize < HEADER + length

          frames << Frame.new(kind, stream, bytes.slice!(0, HEADER + length).byteslice(HEADER..))
        end
        frames
      end
    end
  end
end
