# frozen_string_literal: true

require_relative "verdict"

module Bench
  # What Kino wants to reach in bench/compare, and whether it did.
  module Bars
    # Requests a second that 16 threads reach if each waits 5 ms for every request and nothing else costs time.
    POSSIBLE_IO = 16 / 0.005

    module_function

    # @param results [Results]
    # @return [Array<Verdict>]
    def judge(results)
      against_puma(results) + against_the_possible(results) + watched(results) + idle(results)
    end

    def against_puma(results)
      [
        Verdict.at_most("plaintext: CPU a request against Puma cluster 2x3",
                        results.ratio("plaintext", :cpu_us, "kino", "puma-cluster"), 1 / 6.0, "1/6",
                        &Verdict.method(:part)),
        Verdict.at_least("plaintext: req/s against Puma cluster 2x3",
                         results.ratio("plaintext", :rps, "kino", "puma-cluster"), 4, "4x", &Verdict.method(:times)),
        Verdict.at_least("rails: req/s of one process against one Puma process, 5 threads each",
                         results.ratio("rails", :rps, "kino", "puma-single"), 1.1, "1.1x", &Verdict.method(:times)),
        Verdict.at_most("a file of 100 KB: CPU a request against one Puma process, 5 threads each",
                        results.ratio("asset", :cpu_us, "kino", "puma-single"), 1 / 3.0, "1/3",
                        &Verdict.method(:part)),
        Verdict.at_most("a file of 64 MiB: CPU a request against one Puma process, 5 threads each",
                        results.ratio("file", :cpu_us, "kino", "puma-single"), 1 / 3.0, "1/3", &Verdict.method(:part))
      ]
    end

    def against_the_possible(results)
      io = results.median("io", "kino", :rps)
      [
        Verdict.at_most("plaintext: CPU a request against the ceiling",
                        results.ratio("plaintext", :cpu_us, "kino", "ceiling"), 3, "3x", &Verdict.method(:times)),
        Verdict.at_most("plaintext, 6 threads, 32 connections: p99",
                        results.median("plaintext", "kino", :p99), 3, "3 ms") { |ms| format("%.2f ms", ms) },
        Verdict.at_least("io, 16 threads, 64 connections: req/s of the possible #{POSSIBLE_IO.to_i}",
                         io && io / POSSIBLE_IO, 0.95, "95%") { |ratio| format("%.1f%%", ratio * 100) }
      ]
    end

    def watched(results)
      [
        Verdict.at_most("plaintext: CPU a request with metrics and an access log in JSON against without",
                        results.ratio("plaintext", :cpu_us, "kino-watched", "kino"), 1.06, "1.06x",
                        &Verdict.method(:times))
      ]
    end

    def idle(results)
      [
        Verdict.at_most("1,000 idle keep-alive connections: CPU", results.median("idle", "kino", :cpu_percent), 0.5,
                        "0.5% of a core") { |part| format("%.2f%%", part) },
        Verdict.at_most("10,000 idle keep-alive connections: memory each", results.median("idle", "kino", :kib_each),
                        8, "8 KiB") { |kib| format("%.1f KiB", kib) }
      ]
    end
    private_class_method :against_puma, :against_the_possible, :watched, :idle
  end
end
