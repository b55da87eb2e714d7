# frozen_string_literal: true

require_relative "crowd"

module Bench
  module Hostile
    # Clients that send a head one byte now and then, and never all of it. The server has to be done with each when its
    # `header_timeout` is over, however many bytes still come.
    class SlowHeads < Crowd
      TITLE = "slow heads"
      OPTION = :slow_heads
      COUNTER = :header_timeout
      FIRST = "GET / HTTP/1.1\r\nx-slow: "

      private

      def act
        gather(FIRST)
        rounds(@settings[:header_timeout] + PATIENCE) do |portion|
          portion.each { |client| drip(client) }
          each_ready { |client| hear(client) }
        end
        fault_of_the_rest("were not ended by header_timeout")
      end

      # Who can't send has been ended, which it hears when it reads.
      def drip(client)
        client.write_nonblock("x", exception: false)
      rescue SystemCallError
        nil
      end

      def hear(client)
        answer = receive(client)
        return if answer == ""

        status = answer && answer[%r{\AHTTP/1\.1 (\d{3}) }, 1]
        fault("answered with #{answer.lines.first.inspect}") unless answer.nil? || status == "408"
        finish(client, status ? "answered with #{status}" : "closed")
      end
    end
  end
end
