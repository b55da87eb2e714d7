# frozen_string_literal: true

require_relative "../problem"
require_relative "../wrk"

module Bench
  module Tls
    # One run of h2load: HTTP/2 on one connection, with so many requests on it at any time; over TLS as agreed in the
    # handshake, without TLS by prior knowledge.
    module H2load
      STREAMS = 100

      module_function

      # @raise [Problem] when it isn't installed
      def check
        return if Bench.program?("h2load")

        raise Problem, "h2load is missing, which makes the load of HTTP/2; on Debian: apt-get install " \
                       "nghttp2-client, or leave kino-h2, kino-h2c and nginx-proxy out with --servers"
      end

      # @return [Wrk::Result] without times: with so many requests at once they say no more than their number
      # @raise [Problem] when it can't be run
      def run(url, seconds:, **)
        parse(Bench.output("h2load", "-c1", "-t1", "-m#{STREAMS}", "-D#{seconds}", url))
      end

      # @param output [String] what h2load prints
      # @return [Wrk::Result]
      def parse(output)
        done, rps = output[/(\d+) succeeded/, 1].to_i, output[%r{([\d.]+) req/s}, 1].to_f
        Wrk::Result.new(requests: done, rps: rps, p50: nil, p99: nil, faults: faults(output))
      end

      def faults(output)
        protocol = output[/^Application protocol: (.*)$/, 1]
        counts = output.scan(/(\d+) (failed|errored|timeout|[345]xx)/)
        bad = counts.filter_map { |count, what| "#{count} #{what}" unless count == "0" }
        bad << "spoke #{protocol || "nothing"}" unless %w[h2 h2c].include?(protocol)
        bad
      end
      private_class_method :faults
    end
  end
end
