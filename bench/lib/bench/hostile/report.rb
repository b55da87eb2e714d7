# frozen_string_literal: true

require_relative "../table"
require_relative "bars"

module Bench
  module Hostile
    # Results as Markdown.
    class Report
      HEADER = ["scene", "seconds", "requests served meanwhile", "p50 ms", "p99 ms", "max ms",
                "p99 ms at any time", "heartbeat ms", "lost", "descriptors left", "MiB left"].freeze

      # @param results [Array<Scene::Result>]
      # @param facts [Hash{String => String}]
      # @param settings [String] how the run was made
      def initialize(results, facts, settings)
        @results = results
        @facts = facts
        @settings = settings
        @verdicts = Bars.judge(results)
      end

      # @return [Boolean] whether every bar was reached, without a faulty answer
      def passed?
        @verdicts.none? { |verdict| verdict.passed == false }
      end

      # @return [String]
      def to_markdown
        [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", @settings, Table.verdicts(@verdicts),
         Table.of(HEADER, @results.map { |result| row(result) }), Table.of(%w[scene clients ended counted], ends),
         Table.faults(@results.flat_map(&:faults))].compact.join("\n\n") << "\n"
      end

      private

      def row(result)
        ordinary = result.ordinary
        times = [ordinary.p50, ordinary.p99, ordinary.max, ordinary.anytime, result.heartbeat]
        times.map! { |ms| format("%.2f", ms) }
        [result.title, format("%.1f", result.seconds), Table.number(ordinary.served), *times,
         ordinary.faults.size.to_s, [result.descriptors, 0].max.to_s, format("%.1f", [result.mib, 0].max)]
      end

      def ends
        @results.map do |result|
          ways = result.outcome.ends.map { |how, count| "#{Table.number(count)} #{how}" }
          counted = result.counted.slice(*COUNTERS).select { |_, count| count.positive? }
          [result.title, Table.number(result.clients), ways.join(", "),
           counted.map { |name, count| "#{name} #{Table.number(count)}" }.join(", ")]
        end
      end

      # Those of the server's counters that tell of such clients.
      COUNTERS = %i[header_timeout body_timeout write_timeout aborted max_connections overloaded malformed
                    handshake_timeout tls_left tls_alert tls_malformed http2_floods http2_errors log_dropped].freeze
      private_constant :COUNTERS
    end
  end
end
