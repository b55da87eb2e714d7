# frozen_string_literal: true

require "open3"
require_relative "content"
require_relative "crowd"
require_relative "over_tls"

module Bench
  module Hostile
    # Clients that want to negotiate anew on a connection of TLS 1.2, which costs a server more than them. It has to
    # refuse. They are openssl's s_client, which does so when it reads an R; Ruby has no word for it.
    class Renegotiations < Crowd
      include OverTls
      extend OverTls::Settings

      TITLE = "TLS renegotiations"
      OPTION = :renegotiations
      COUNTER = nil
      # So many at a time: each is a process.
      TOGETHER = 5

      private

      def act
        @count.times.each_slice(TOGETHER) do |numbers|
          numbers.map { Thread.new { renegotiate } }.map(&:value).each { |how| @ends[how] += 1 }
        end
        refused = @ends["refused"]
        fault("#{@count - refused} of #{@count} were not refused") if refused < @count
        fault("a newcomer was not served") unless served?
      end

      # @return [String] what came of it
      def renegotiate
        command = ["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:#{tls_port}"]
        Open3.popen2e(*command) do |input, output, _|
          heard = +""
          heard << output.readpartial(4096) until heard.include?("Verify return code")
          return "not asked" unless heard.include?("Protocol  : TLSv1.2") || heard.include?("TLSv1.2")

          input.write("R\n")
          heard << output.readpartial(4096) while output.wait_readable(PATIENCE)
          "still there"
        rescue EOFError
          heard.match?(/no[_ ]renegotiation/i) ? "refused" : "ended"
        end
      rescue Errno::ENOENT
        raise Problem, "openssl is missing, the command, which a scene needs"
      end
    end
  end
end
