# frozen_string_literal: true

require_relative "health"
require_relative "recycling"

module Kino
  # Looks after processes that live: those that are stuck, late, or have served for long enough.
  #
  # @api private
  class Watch
    # @param spawner [Spawner]
    # @param renewal [Renewal]
    # @param voice [Voice]
    def initialize(spawner, renewal, voice)
      @spawner = spawner
      @renewal = renewal
      @voice = voice
    end

    # @return [Fleet] the processes that serve
    attr_writer :fleet

    # Goes by these settings from now on.
    #
    # @param configuration [Configuration]
    # @return [void]
    def follow(configuration)
      @configuration = configuration
      scoreboard = @spawner.site.scoreboard
      @health = Health.new(scoreboard, configuration)
      @recycling = Recycling.new(scoreboard, configuration)
    end

    # Ends those that were to be gone by now.
    #
    # @return [Boolean] whether there were any
    def end_overdue
      late = @spawner.children.select { |child| child.deadline && now > child.deadline }
      late.each do |child|
        @voice.complain("#{child} has not ended in time (shutdown_timeout)#{lost_with(child)}; it is ended")
        child.end_late
      end
      late.any?
    end

    # Names those that are late before anybody serves. Each once, and no more: a first boot may have much to prepare.
    #
    # @return [void]
    def look_at_boot
      @named ||= []
      (unready - @named).each do |child|
        @named << child
        @voice.complain("#{child} is not ready after #{@configuration.restart_timeout} s (restart_timeout); at the " \
                        "first boot it is waited for")
      end
    end

    # Looks at the others.
    #
    # @return [void]
    def look
      end_unready
      @health.stuck(@fleet.serving.reject(&:killed?)).each do |child, why|
        @voice.complain("#{child} #{why}; it is ended, and another takes its place")
        child.kill
      end
      recycle unless @renewal.under_way? || @fleet.replacing?
    end

    # What a process that has come to its end was at, and is in no log.
    #
    # @param child [Child]
    # @return [String] for people, such as `", last seen at GET /report for 3.1 s"`; empty for nothing
    def lost_with(child)
      told = @spawner.site.scoreboard.read(child.slot) if child.slot && child.pid
      return "" if told.nil? || told[:pid] != child.pid || told[:in_flight].empty?

      ", last seen at #{told[:in_flight]}"
    end

    # It has come to its end, or serves no more.
    #
    # @param child [Child]
    # @return [void]
    def forget(child) = @health.forget(child)

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    # A restart may take its time; so may any other boot.
    def end_unready
      unready.each do |child|
        child.fault ||= "it was not ready within #{@configuration.restart_timeout} s (restart_timeout)"
        child.kill
      end
    end

    def unready
      limit = now - @configuration.restart_timeout
      late = @spawner.children.reject { |child| child.served_since || child.leaving? || child.started >= limit }
      # Of one that has not told its number, the mold has forked nothing: it is what is stuck.
      late.map { |child| child.pid.nil? && child.mold ? child.mold : child }.uniq
    end

    def recycle
      @recycling.due(@fleet.serving).first(1).each do |child, why|
        @voice.say "#{child.to_s.capitalize} #{why}: another takes its place"
        @fleet.replace([child], reason: :recycle)
      end
      mold = @recycling.mold(@fleet.serving) if @configuration.preload && !@fleet.replacing?
      @renewal.refork(mold) if mold
    end
  end

  private_constant :Watch
end
