# frozen_string_literal: true

require_relative "../verdict"
require_relative "footprint"

module Bench
  module Hostile
    # What Kino wants to keep up whoever comes, and whether it did: the worst scene counts.
    module Bars
      P99 = 50

      module_function

      # @param results [Array<Scene::Result>]
      # @return [Array<Verdict>]
      def judge(results)
        margin = Footprint::MARGIN_KIB / 1024
        [
          Verdict.at_most("the ordinary client's p99", results.map { |result| result.ordinary.p99 }.max, P99,
                          "#{P99} ms") { |ms| format("%.2f ms", ms) },
          none("answers lost or wrong", results.sum { |result| result.faults.size }),
          none("descriptors left behind", results.map(&:descriptors).max),
          Verdict.at_most("memory left behind", results.map(&:mib).max, margin, "#{margin} MiB") do |mib|
            format("%.1f MiB", mib)
          end
        ]
      end

      def none(text, number)
        Verdict.at_most(text, number, 0, "none") { |found| found.positive? ? found.to_s : "none" }
      end
      private_class_method :none
    end
  end
end
