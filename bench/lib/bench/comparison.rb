# frozen_string_literal: true

require_relative "idle_connections"
require_relative "plan"
require_relative "results"

module Bench
  # Runs a plan, round by round, and gathers the samples.
  class Comparison
    # @return [Results]
    attr_reader :results

    # @param groups [Array<Plan::Group>]
    # @param rounds [Integer]
    # @param seconds [Integer] of each run of wrk, or what else makes a contender's load
    # @param warmup [Integer] seconds of load before each of them, not counted
    # @param servers [Array<String>] names of the contenders that take part
    # @param only [Array<String>] which endpoints, "idle" among them
    def initialize(groups, rounds:, seconds:, warmup:, servers:, only:)
      @groups = groups
      @rounds = rounds
      @seconds = seconds
      @warmup = warmup
      @servers = servers
      @only = only
      @results = Results.new
    end

    # @yieldparam round [Integer] after each, from 0
    # @return [Results]
    def run
      IdleConnections.raise_limit if @only.include?("idle")
      @rounds.times do |round|
        @groups.each { |group| load_group(group, round) }
        hold_idle(Plan.idle, round) if @only.include?("idle")
        yield round if block_given?
      end
      @results
    end

    private

    # The servers of a group are up together and loaded one after the other, each round in another order.
    def load_group(group, round)
      endpoints = group.endpoints.select { |endpoint| @only.include?(endpoint.name) }
      chosen = group.contenders.select do |contender|
        wanted?(contender) && endpoints.any? { |endpoint| answers?(contender, endpoint) }
      end
      up(chosen) do |pairs|
        endpoints.each do |endpoint|
          pairs.rotate(round).each do |contender, server|
            next unless answers?(contender, endpoint)

            sample(endpoint, contender.load(endpoint), server, group.connections, round)
          end
        end
      end
    end

    def sample(endpoint, load, server, connections, round)
      server.expect(endpoint.path, endpoint.body)
      load.run(server.url(endpoint.path), seconds: @warmup, connections: connections) if @warmup.positive?
      before = server.tree.cpu_us
      run = load.run(server.url(endpoint.path), seconds: @seconds, connections: connections)
      cpu_us = (server.tree.cpu_us - before) / run.requests.to_f
      taken = Results::Sample.new(rps: run.rps, cpu_us: cpu_us, p50: run.p50, p99: run.p99,
                                  pss_mib: server.tree.pss_kib / 1024.0)
      @results.add(endpoint.name, server.name, taken)
      run.faults.each { |fault| @results.faults << "#{endpoint.name}, #{server.name}, round #{round + 1}: #{fault}" }
      p99 = run.p99 && format(", p99 %.2f ms", run.p99)
      tell(round, endpoint.name, server.name, format("%.0f/s, %.1f us CPU%s", run.rps, cpu_us, p99))
    end

    def hold_idle(contender, round)
      return unless wanted?(contender)

      up([contender]) do |((_, server))|
        idle = IdleConnections.new(server, Plan.plaintext.path).measure
        @results.add("idle", contender.name, idle)
        tell(round, "idle", contender.name, format("%.2f%% CPU, %.1f KiB each", idle.cpu_percent, idle.kib_each))
      end
    end

    # @yieldparam pairs [Array<Array(Plan::Contender, Server)>]
    def up(contenders)
      servers = []
      pairs = contenders.map do |contender|
        servers << (server = contender.start)
        [contender, server]
      end
      servers.each(&:await)
      yield pairs unless pairs.empty?
    ensure
      servers.each(&:stop)
    end

    def wanted?(contender)
      @servers.include?(contender.name)
    end

    def answers?(contender, endpoint)
      contender.endpoints.nil? || contender.endpoints.include?(endpoint.name)
    end

    def tell(round, endpoint, server, text)
      Bench.say format("round %d/%d  %-14s  %-14s  %s", round + 1, @rounds, endpoint, server, text)
    end
  end
end
