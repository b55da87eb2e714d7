# frozen_string_literal: true

require_relative "crowd"

module Bench
  module Hostile
    # Clients that upload, and reset their connection in the middle of the body, which then lies in a file already. The
    # server has to forget the request, and its file.
    class Resets < Crowd
      TITLE = "resets in a body"
      OPTION = :resets
      COUNTER = nil
      # Bytes that a client promises, and those it sends at once: past the `body_buffer`, after which there is a file.
      PROMISED = 1_000_000
      SENT = 100_000
      FIRST = "POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: #{PROMISED}\r\n\r\n#{"x" * SENT}".freeze
      # Seconds they go on for, with so many bytes now and then.
      UPLOADING = 2
      PIECE = ("x" * 4096).freeze

      private

      def act
        gather(FIRST)
        rounds(UPLOADING) { |portion| portion.each { |client| client.write_nonblock(PIECE, exception: false) } }
        @clients.dup.each { |client| reset(client) }
      end

      def reset(client)
        answer = client.read_nonblock(4096, exception: false)
        fault("answered with #{answer.to_s.lines.first.inspect}") unless answer == :wait_readable
        client.setsockopt(Socket::SOL_SOCKET, Socket::SO_LINGER, [1, 0].pack("ii"))
        finish(client, "reset")
      end
    end
  end
end
