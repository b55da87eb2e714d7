# frozen_string_literal: true

require_relative "../verdict"

module Bench
  module Processes
    # What several processes want to reach, and whether they did.
    module Bars
      # How milliseconds are to be read.
      MILLISECONDS = ->(ms) { format("%.1f ms", ms) }
      private_constant :MILLISECONDS

      module_function

      # @param results [Results]
      # @return [Array<Verdict>]
      def judge(results)
        rails(results) + redmine(results) + memory(results) + plaintext(results) + deaths(results) + evenness(results)
      end

      def rails(results)
        [
          Verdict.at_least("rails: req/s, 2 processes of 5 threads against Puma cluster 2x5, preloaded",
                           results.ratio("rails", :rps, "kino-2", "puma-2"), 1.4, "1.4x", &Verdict.method(:times)),
          Verdict.at_least("rails: req/s, 2 processes against 1, load generator on the same machine",
                           results.ratio("rails", :rps, "kino-2", "kino-1"), 1.6, "1.6x", &Verdict.method(:times))
        ]
      end

      def redmine(results)
        { "redmine-login" => "login", "redmine-issues" => "list of issues" }.flat_map do |name, page|
          [
            Verdict.at_least("Redmine's #{page}: req/s, 2 processes of 5 threads against Puma cluster 2x5, 10 clients",
                             results.ratio(name, :rps, "kino-2", "puma-2"), 1.0, "1.0x", &Verdict.method(:times)),
            Verdict.at_most("the same: p99", results.ratio(name, :p99, "kino-2", "puma-2"), 0.6, "0.6x",
                            &Verdict.method(:times))
          ]
        end
      end

      def memory(results)
        against = ->(server) { results.ratio("memory", :pss_mib, server, "puma-4") }
        [
          Verdict.at_most("rails: memory after load, 4 processes as examples/rails-hello/kino.rb has them " \
                          "(on_warmup), against Puma's 4", against.call("kino-4-warm"), 0.7, "0.7x",
                          &Verdict.method(:times)),
          Verdict.at_most("the same with refork", against.call("kino-4-refork"), 0.55, "0.55x",
                          &Verdict.method(:times)),
          Verdict.told("the same without any kino.rb", against.call("kino-4"), &Verdict.method(:times))
        ]
      end

      def plaintext(results)
        [
          Verdict.at_most("plaintext: CPU a request, 2 processes against 1",
                          results.ratio("plaintext", :cpu_us, "kino-2", "kino-1"), 1.1, "1.1x",
                          &Verdict.method(:times)),
          Verdict.at_most("plaintext, 2 processes, 32 connections: p99", results.median("plaintext", "kino-2", :p99),
                          3, "3 ms") { |ms| format("%.2f ms", ms) }
        ]
      end

      def deaths(results)
        slowest = results.servers("deaths").map { |way| results.median("deaths", way, :p50) }.max
        [Verdict.at_most("a killed process: another serves in its place within", slowest, 150, "150 ms", &MILLISECONDS)]
      end

      def evenness(results)
        { "even-kept" => "connections that are kept", "even-new" => "a connection for each request" }
          .flat_map do |way, text|
          [
            Verdict.at_most("4 processes, 64 clients, 5 ms of CPU, #{text}: the busiest process, of its share",
                            results.median(way, "kino-4", :busiest), 1.3, "1.3x", &Verdict.method(:times)),
            Verdict.at_most("the same: p99 against one process of 4 threads, which has one queue",
                            results.ratio(way, :p99, "kino-4", "kino-queue"), 1.2, "1.2x",
                            &Verdict.method(:times))
          ]
        end
      end
      private_class_method :rails, :redmine, :memory, :plaintext, :deaths, :evenness
    end
  end
end
