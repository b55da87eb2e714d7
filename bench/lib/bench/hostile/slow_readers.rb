# frozen_string_literal: true

require_relative "content"
require_relative "crowd"
require_relative "footprint"

module Bench
  module Hostile
    # Clients that ask for a large answer, sip at it, and read no more. The server has to give each up when its
    # `write_timeout` is over.
    class SlowReaders < Crowd
      TITLE = "slow readers"
      OPTION = :slow_readers
      COUNTER = :write_timeout
      REQUEST = "GET /big HTTP/1.1\r\nhost: bench\r\n\r\n"
      # Bytes that the kernel holds for such a client; left to itself it would take the whole answer for it.
      RECEIVED = 16_384
      # Bytes of a sip, and for how many seconds they are taken.
      SIP = 16
      SIPPING = 1
      # All of them come at once: 5 GB of answers, of which the kernel takes little and the server keeps the rest.
      TOGETHER = 500

      private

      def act
        before = Footprint.descriptors(@server.tree)
        gather(REQUEST, batch: TOGETHER)
        rounds(SIPPING) { |portion| portion.each { |client| client.read_nonblock(SIP, exception: false) } }
        await(before)
        @clients.dup.each { |client| drain(client) }
      end

      # Whoever doesn't read can't see that the connection has ended: the server's descriptors tell.
      def await(before)
        until_then = Bench.now + @settings[:write_timeout] + PATIENCE
        sleep TICK until Footprint.descriptors(@server.tree) <= before || Bench.now > until_then
      end

      # What has come until the end is less than all.
      def drain(client)
        left = size
        while left.positive? && client.wait_readable(1) && (part = receive(client))
          left -= part.bytesize
        end
        fault("an answer was sent whole") unless left.positive?
        fault("an answer was neither sent nor given up") unless part.nil?
        finish(client, "given up")
      end

      def size = Content::BIG.bytesize

      def connect
        Socket.new(:INET, :STREAM).tap do |socket|
          socket.setsockopt(:SOCKET, :RCVBUF, RECEIVED) # before it connects, so that the server never sees more
          socket.connect(Socket.sockaddr_in(@server.port, "127.0.0.1"))
        end
      end
    end
  end
end
