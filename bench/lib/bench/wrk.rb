# frozen_string_literal: true

require_relative "problem"

module Bench
  # One run of wrk, and what it says.
  class Wrk
    # Milliseconds in wrk's units.
    UNITS = { "us" => 0.001, "ms" => 1.0, "s" => 1000.0, "m" => 60_000.0 }.freeze

    # @!attribute requests [Integer] completed
    # @!attribute rps [Float] requests a second
    # @!attribute p50 [Float] milliseconds
    # @!attribute p99 [Float] milliseconds
    # @!attribute faults [Array<String>] socket errors and statuses other than 2xx and 3xx; empty in a clean run
    Result = Data.define(:requests, :rps, :p50, :p99, :faults)

    # @raise [Problem] when wrk isn't installed
    def self.check
      return if Bench.program?("wrk")

      raise Problem, "wrk is missing, which makes the load; on Debian: apt-get install wrk"
    end

    # @return [Result]
    # @raise [Problem] when it can't be run
    def self.run(url, seconds:, connections:)
      parse(Bench.output("wrk", "-t1", "-c#{connections}", "-d#{seconds}s", "--latency", url))
    end

    # @param output [String] what wrk prints
    # @return [Result]
    def self.parse(output)
      Result.new(requests: output[/(\d+) requests in/, 1].to_i, rps: output[%r{Requests/sec:\s+([\d.]+)}, 1].to_f,
                 p50: latency(output, "50%"), p99: latency(output, "99%"),
                 faults: output.scan(/^\s*(Socket errors:.*|Non-2xx.*)$/).flatten)
    end

    def self.latency(output, percentile)
      number, unit = output.match(/^\s+#{percentile}\s+([\d.]+)(us|ms|s|m) *$/)&.captures
      raise Problem, "wrk gave no latencies:\n#{output}" unless number

      number.to_f * UNITS.fetch(unit)
    end
    private_class_method :latency
  end
end
