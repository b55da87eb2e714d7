# frozen_string_literal: true

require_relative "../problem"
require_relative "../wrk"

module Bench
  module Restart
    # wrk at full speed until it is told to end. It keeps its connections, and makes another where one was closed;
    # what it waited for then is an error of its own.
    class Load
      # It would end by itself after so many seconds.
      LONGEST = 7200

      # @param url [String]
      # @param connections [Integer]
      def initialize(url, connections)
        @command = ["wrk", "-t1", "-c#{connections}", "-d#{LONGEST}s", "--timeout", "10s", "--latency", url]
      end

      # @return [self]
      def start
        @pipe = IO.popen(@command, err: %i[child out], pgroup: true)
        self
      end

      # Ends it. Safe to call twice.
      # @return [Wrk::Result, nil]
      def stop
        return unless @pipe

        Process.kill("INT", @pipe.pid)
        output = @pipe.read
        @pipe.close
        @pipe = nil
        Wrk.parse(output)
      end
    end
  end
end
