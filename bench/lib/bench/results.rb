# frozen_string_literal: true

module Bench
  # What was measured: for each endpoint and server, a sample a round.
  class Results
    # @!attribute rps [Float] requests a second
    # @!attribute cpu_us [Float] microseconds of the server's user and system time a request
    # @!attribute p50 [Float] milliseconds
    # @!attribute p99 [Float] milliseconds
    # @!attribute pss_mib [Float]
    Sample = Data.define(:rps, :cpu_us, :p50, :p99, :pss_mib)

    # @!attribute cpu_percent [Float] of one core, while 1,000 connections are idle
    # @!attribute kib_each [Float] PSS a connection, while 10,000 are idle
    Idle = Data.define(:cpu_percent, :kib_each)

    # @return [Array<String>] what went wrong without ending the run
    attr_reader :faults

    def initialize
      @samples = Hash.new { |endpoints, endpoint| endpoints[endpoint] = Hash.new { |all, server| all[server] = [] } }
      @faults = []
    end

    def add(endpoint, server, sample)
      @samples[endpoint][server] << sample
    end

    # @return [Array<String>] what was measured, in that order
    def endpoints
      @samples.keys
    end

    # @return [Array<String>] servers that have samples of an endpoint
    def servers(endpoint)
      @samples.key?(endpoint) ? @samples[endpoint].keys : []
    end

    # @return [Float, nil] nil when it was not measured
    def median(endpoint, server, field)
      middle(values(endpoint, server, field)) if servers(endpoint).include?(server)
    end

    # The median of each round's ratio: what slows the machine for a while slows both sides of a round.
    # @return [Float, nil]
    def ratio(endpoint, field, server, base)
      each_round(endpoint, field, server, base) { |ours, theirs| ours / theirs }
    end

    # The median of what is made of each round's values.
    # @param servers [Array<String>]
    # @yieldparam values [Array<Float>] of a round, a value a server
    # @yieldreturn [Float]
    # @return [Float, nil] nil when one of them was not measured
    def each_round(endpoint, field, *servers, &)
      return unless (servers - servers(endpoint)).empty?

      middle(servers.map { |server| values(endpoint, server, field) }.transpose.map(&))
    end

    private

    def values(endpoint, server, field)
      @samples[endpoint][server].map(&field)
    end

    def middle(values)
      sorted = values.sort
      (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2.0
    end
  end
end
