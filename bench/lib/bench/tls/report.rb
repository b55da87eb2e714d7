# frozen_string_literal: true

require_relative "../table"
require_relative "bars"
require_relative "plan"

module Bench
  module Tls
    # Results as Markdown.
    class Report
      # Who serves the same without TLS.
      PLAIN = { "kino-https" => "kino-http", "kino-h2" => "kino-h2c", "nginx-https" => "nginx-http" }.freeze

      # @param results [Results]
      # @param facts [Hash{String => String}]
      # @param settings [String] how the run was made
      # @param sizes [Hash{String => String}] of each server
      def initialize(results, facts, settings, sizes)
        @results = results
        @facts = facts
        @settings = settings
        @sizes = sizes
        @verdicts = Bars.judge(results)
      end

      # @return [Boolean] whether every bar that was measured was reached, without a faulty answer
      def passed?
        @verdicts.none? { |verdict| verdict.passed == false } && @results.faults.empty?
      end

      # @return [String]
      def to_markdown
        [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", @settings, Table.verdicts(@verdicts),
         plaintext, *handshakes, Table.faults(@results.faults)].compact.join("\n\n") << "\n"
      end

      private

      def plaintext
        header = ["plaintext, connections kept", "req/s", "CPU us/req", "of which TLS", "PSS MiB"]
        rows(Plan::PLAINTEXT, header) do |server|
          added = @results.each_round(Plan::PLAINTEXT, :cpu_us, server, PLAIN[server]) { |tls, plain| tls - plain }
          [*measured(Plan::PLAINTEXT, server), added ? format("%.1f", added) : "",
           format("%.1f", @results.median(Plan::PLAINTEXT, server, :pss_mib))]
        end
      end

      def handshakes
        Plan::HANDSHAKES.keys.map do |part|
          rows(part, [part.sub("handshake-", "full handshakes, TLS "), "a second", "CPU us each",
                      "a second and core of CPU", "p50 ms", "p99 ms"]) do |server|
            times = %i[p50 p99].map { |field| format("%.2f", @results.median(part, server, field)) }
            [*measured(part, server), Table.number(1_000_000 / @results.median(part, server, :cpu_us)), *times]
          end
        end
      end

      def measured(part, server)
        [Table.number(@results.median(part, server, :rps)),
         format("%.1f", @results.median(part, server, :cpu_us))]
      end

      def rows(part, header)
        servers = @results.servers(part)
        return if servers.empty?

        Table.of(header, servers.map { |server| ["#{server} #{@sizes.fetch(server)}", *yield(server)] })
      end
    end
  end
end
