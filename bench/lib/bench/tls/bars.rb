# frozen_string_literal: true

require_relative "../verdict"
require_relative "plan"

module Bench
  module Tls
    # What TLS and HTTP/2 may cost, and whether they do.
    module Bars
      module_function

      # @param results [Results]
      # @return [Array<Verdict>]
      def judge(results)
        https(results) + handshakes(results) + http2(results)
      end

      def https(results)
        added = results.each_round(Plan::PLAINTEXT, :cpu_us, *%w[kino-https kino-http nginx-https nginx-http]) do
          |kino, kino_plain, nginx, nginx_plain|
          (kino - kino_plain) / (nginx - nginx_plain)
        end
        [
          Verdict.at_most("HTTPS, keep-alive: CPU that TLS adds to a request against what it adds to nginx's", added,
                          0.8, "0.8x", &Verdict.method(:times)),
          Verdict.at_most("HTTPS, keep-alive: CPU a request against Puma cluster 2x3",
                          cpu(results, "kino-https", "puma-https"), 0.25, "1/4", &Verdict.method(:part))
        ]
      end

      # What one core makes of them is the reciprocal of what one of them costs.
      def handshakes(results)
        { "handshake-1.3" => "TLS 1.3", "handshake-1.2" => "TLS 1.2" }.map do |part, version|
          Verdict.at_least("#{version}, full handshakes: a second and core of the server's CPU against nginx",
                           results.ratio(part, :cpu_us, "nginx-https", "kino-https"), 0.9, "0.9x",
                           &Verdict.method(:times))
        end
      end

      def http2(results)
        { "over TLS" => %w[kino-h2 kino-https], "without TLS" => %w[kino-h2c kino-http] }.map do |way, pair|
          Verdict.at_most("HTTP/2 #{way}, 1 connection, 100 streams: CPU a request against HTTP/1.1",
                          cpu(results, *pair), 1.3, "1.3x", &Verdict.method(:times))
        end.push(Verdict.at_most("HTTP/2 over TLS: CPU a request against nginx and HTTP/1.1 behind it, both together",
                                 cpu(results, "kino-h2", "nginx-proxy"), 0.6, "0.6x", &Verdict.method(:times)))
      end

      def cpu(results, server, base) = results.ratio(Plan::PLAINTEXT, :cpu_us, server, base)
      private_class_method :https, :handshakes, :http2, :cpu
    end
  end
end
