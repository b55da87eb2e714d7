# frozen_string_literal: true

require_relative "../verdict"
require_relative "crowd"
require_relative "footprint"

module Bench
  module Hostile
    # What Kino wants to keep up whoever comes, and whether it did: the worst scene counts.
    module Bars
      # Milliseconds.
      HEARTBEAT = 50

      module_function

      # @param results [Array<Scene::Result>]
      # @return [Array<Verdict>]
      def judge(results)
        margin = Footprint::MARGIN_KIB / 1024
        [
          *p99(results),
          milliseconds("a Ruby thread's longest wait to go on", results.map(&:heartbeat).max, HEARTBEAT),
          none("answers lost or wrong", results.sum { |result| result.faults.size }),
          none("descriptors left behind", results.map(&:descriptors).max),
          Verdict.at_most("memory left behind", results.map(&:mib).max, margin, "#{margin} MiB") do |mib|
            format("%.1f MiB", mib)
          end
        ]
      end

      # Where less is wanted than in other scenes, the scenes are named.
      def p99(results)
        results.group_by(&:p99).map do |wanted, those|
          scenes = " (#{those.map(&:title).join(", ")})" if wanted < Crowd::P99
          milliseconds("the ordinary client's p99#{scenes}", those.map { |result| result.ordinary.p99 }.max, wanted)
        end
      end

      def milliseconds(text, found, wanted)
        Verdict.at_most(text, found, wanted, "#{wanted} ms") { |ms| format("%.2f ms", ms) }
      end

      def none(text, number)
        Verdict.at_most(text, number, 0, "none") { |found| found.positive? ? found.to_s : "none" }
      end
      private_class_method :p99, :milliseconds, :none
    end
  end
end
