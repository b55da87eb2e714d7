# frozen_string_literal: true

module Kino
  # Which processes have served, or grown, for long enough: those are replaced, and one of them may be what all others
  # are forked from.
  #
  # @api private
  class Recycling
    # Seconds between two looks at a process's memory, and how much longer that may take: not all are looked at at once.
    LOOK = 5
    # How much later than others one may be replaced.
    JITTER = 0.1
    # A process's memory as the system has it: its share of what it shares, and what is its own.
    MEMORY = /^Pss:\s+(\d+) kB/
    private_constant :LOOK, :JITTER, :MEMORY

    # @param scoreboard [Native::Scoreboard]
    # @param configuration [Configuration]
    def initialize(scoreboard, configuration)
      @scoreboard = scoreboard
      @requests = configuration.recycle_requests
      @memory = configuration.recycle_memory
      @steps = configuration.refork_after
      @generation = 0
      @looked = {}
    end

    # @param children [Array<Child>] that serve
    # @return [Hash{Child => String}] those that are to be replaced, and why
    def due(children)
      return {} unless @requests || @memory

      @looked.keep_if { |child, _| children.include?(child) }
      children.to_h { |child| [child, reason(child)] }.compact
    end

    # @param children [Array<Child>] that serve
    # @return [Child, nil] the one that all others are to be forked from, when it is time
    def mold(children)
      step = @steps.fetch(@generation) { @steps.last }
      return unless step

      child, served = children.map { |one| [one, requests(one)] }.max_by(&:last)
      return unless served && served >= step

      @generation += 1
      child
    end

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def requests(child) = @scoreboard.read(child.slot)[:requests]

    # The same for a process all its life.
    def jitter(child) = 1 + (JITTER * (child.pid.hash % 1000) / 1000)

    def reason(child)
      served = requests(child) if @requests
      return "has served #{served} requests" if served && served >= @requests * jitter(child)

      memory = memory(child) if @memory && now >= (@looked[child] || 0)
      "takes #{memory / (1024**2)} MB" if memory && memory > @memory
    end

    def memory(child)
      @looked[child] = now + (LOOK * jitter(child))
      File.read("/proc/#{child.pid}/smaps_rollup")[MEMORY, 1].to_i * 1024
    rescue SystemCallError
      nil # it has gone, or the system doesn't tell
    end
  end

  private_constant :Recycling
end
