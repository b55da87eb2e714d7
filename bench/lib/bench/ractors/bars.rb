# frozen_string_literal: true

require_relative "../verdict"

module Bench
  module Ractors
    # What `:ractor` mode wants to reach, and whether it did.
    module Bars
      # Names that recur below.
      TWO = "kino-ractor-2"
      EIGHT = "kino-ractor-8"
      THREADED = "kino-threaded"
      PUMA = "puma-cluster"

      module_function

      # @param results [Results]
      # @return [Array<Verdict>]
      def judge(results)
        against_threads(results) + against_puma(results) + memory(results) + crashes(results)
      end

      def against_threads(results)
        [
          Verdict.at_least("cpu: req/s, 2 ractors against threads", results.ratio("cpu", :rps, TWO, THREADED),
                           1.8, "1.8x", &Verdict.method(:times)),
          Verdict.at_most("plaintext: CPU a request, 2 ractors against threads",
                          results.ratio("plaintext", :cpu_us, TWO, THREADED), 1.2, "1.2x", &Verdict.method(:times))
        ]
      end

      def against_puma(results)
        [
          Verdict.at_least("plaintext: req/s, 2 ractors against Puma cluster 2x3",
                           results.ratio("plaintext", :rps, TWO, PUMA), 4, "4x", &Verdict.method(:times)),
          Verdict.at_most("plaintext: CPU a request, 2 ractors against Puma cluster 2x3",
                          results.ratio("plaintext", :cpu_us, TWO, PUMA), 1 / 6.0, "1/6", &Verdict.method(:part))
        ]
      end

      def memory(results)
        [
          Verdict.at_most("memory after load, 2 ractors against Puma cluster with 2 workers",
                          results.ratio("memory", :pss_mib, TWO, PUMA), 0.5, "1/2", &Verdict.method(:part)),
          Verdict.at_most("memory after load, 8 ractors against 2",
                          results.ratio("memory", :pss_mib, EIGHT, TWO), 1.5, "1.5x", &Verdict.method(:times))
        ]
      end

      # The slowest of all tries counts.
      def crashes(results)
        slowest = results.servers("crash").map { |way| results.median("crash", way, :max) }.max
        [Verdict.at_most("a worker's crash: its client has the 500 within", slowest, 50, "50 ms") do |ms|
          format("%.1f ms", ms)
        end]
      end
      private_class_method :against_threads, :against_puma, :memory, :crashes
    end
  end
end
