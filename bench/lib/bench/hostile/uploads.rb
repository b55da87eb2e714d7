# frozen_string_literal: true

require_relative "content"
require_relative "crowd"

module Bench
  module Hostile
    # Clients that upload as fast as they can, one body after the other, each of them long enough for a file. None is in
    # the wrong; whoever asks for something small beside them is not to wait for their bytes, nor for the disk.
    class Uploads < Crowd
      TITLE = "uploads"
      OPTION = :uploads
      COUNTER = nil
      P99 = 10
      LENGTH = 16 * 1024 * 1024
      HEAD = "POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: #{LENGTH}\r\n\r\n".freeze
      PIECE = ("x" * 65_536).freeze
      # Seconds in which bodies are begun; each is sent to its end.
      UPLOADING = 3

      private

      def act
        gather(HEAD)
        @left = @clients.to_h { |client| [client, LENGTH] }
        @until_then = Bench.now + UPLOADING
        step until @clients.empty? || Bench.now > @until_then + PATIENCE
        fault_of_the_rest("had no answer to a whole body")
      end

      def step
        sending, waiting = @clients.partition { |client| @left[client].positive? }
        readable, writable = IO.select(waiting, sending, nil, TICK)
        writable&.each { |client| send_more(client) }
        readable&.each { |client| hear(client) }
      end

      def send_more(client)
        left = @left[client]
        sent = client.write_nonblock(left < PIECE.bytesize ? PIECE[0, left] : PIECE, exception: false)
        @left[client] = left - sent unless sent == :wait_writable
      rescue SystemCallError => e
        fault("its body was cut: #{receive(client)&.lines&.first&.chomp || e.class}")
        finish(client, "cut")
      end

      # The answer is short enough to come in one piece.
      def hear(client)
        answer = receive(client)
        whole = answer&.start_with?("HTTP/1.1 200 ") && answer&.end_with?(Content::HELLO)
        fault("answered with #{answer&.lines&.first.inspect}") unless whole
        return finish(client, "ended") if !whole || Bench.now > @until_then

        @ends["bodies before the last"] += 1
        client.write(HEAD)
        @left[client] = LENGTH
      end
    end
  end
end
