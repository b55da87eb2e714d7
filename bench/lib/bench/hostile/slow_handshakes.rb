# frozen_string_literal: true

require_relative "content"
require_relative "crowd"
require_relative "over_tls"

module Bench
  module Hostile
    # Clients that never end their TLS handshake: half of them send their first message byte by byte, the others send
    # all of it, have the server compute its answer, and say nothing more. The server has to be done with each when its
    # `handshake_timeout` is over, and a newcomer that keeps to the rules is served meanwhile.
    class SlowHandshakes < Crowd
      include OverTls
      extend OverTls::Settings

      TITLE = "slow TLS handshakes"
      OPTION = :slow_handshakes
      COUNTER = :handshake_timeout

      private

      def act
        @hello = hello
        @said = {}.compare_by_identity
        gather("")
        @clients.each_with_index { |client, number| number.even? ? @said[client] = 0 : client.write(@hello) }
        fault("a newcomer was not served") unless served?
        rounds(@settings[:handshake_timeout] + PATIENCE) do |portion|
          portion.each { |client| drip(client) }
          each_ready { |client| hear(client) }
        end
        fault_of_the_rest("were not ended by handshake_timeout")
      end

      # Who can't send has been ended, which it hears when it reads.
      def drip(client)
        said = @said[client]
        return unless said && said < @hello.bytesize - 1

        client.write_nonblock(@hello[said], exception: false)
        @said[client] += 1
      rescue SystemCallError
        nil
      end

      # What the server says first is nothing to them.
      def hear(client)
        return unless receive(client).nil?

        finish(client, @said.delete(client) ? "closed in their first message" : "closed after it")
      end
    end
  end
end
