# frozen_string_literal: true

require_relative "../server/leaving"

module Kino
  # The end of a server of several processes: all of them finish what runs, at once, and the parent ends when they have.
  #
  # @api private
  class Shutdown
    # Seconds that processes have to answer in what they serve with 503, once a second signal ends all.
    LAST_MOMENT = 3
    private_constant :LAST_MOMENT

    # @return [Integer] the exit status that the parent is to end with: 0 when everything that ran was finished
    attr_reader :status

    # @param spawner [Spawner]
    # @param voice [Voice]
    # @param signals [Signals]
    # @param leave [#call] ends the process with a status, without waiting for anything
    def initialize(spawner, voice, signals, leave)
      @spawner = spawner
      @voice = voice
      @signals = signals
      @leave = leave
      @aborted = []
      @status = 0
    end

    # @return [Boolean] whether it has begun
    def begun? = @has_begun ? true : false

    # @return [Boolean] whether all are gone
    def over? = begun? && @spawner.children.empty?

    # Begins it.
    #
    # @param token [Integer] the signal that asks for it, or another token
    # @param is_replaced [Boolean] whether another server has taken over
    # @param is_told [Boolean] whether it is worth telling
    # @return [void]
    def begin(token, is_replaced: false, is_told: true)
      @has_begun = true
      Leaving.begin(timeout)
      if is_told
        @voice.say "Stopping: waiting up to #{timeout} s for requests that run (a second signal ends at once)"
      elsif Signals.signal?(token)
        @status = 128 + token # as of a process that a signal ends while it boots
      end
      @signals.heard(token)
      @delay_until = now + @spawner.site.configuration.drain_delay unless is_replaced
      listeners = @spawner.site.listeners
      listeners.own_files(false) if is_replaced
      listeners.close
      # Clients that are idle have a moment to send what they may be about to send, if there is who answers it then.
      @spawner.children.each { |child| is_replaced ? child.retire : child.end_in_order(has_clients: clients?(child)) }
      # Whoever is stuck can't say so itself.
      @spawner.children.filter_map(&:slot).each { |slot| @spawner.site.scoreboard.leave(slot) }
    end

    # Ends all at once, on a second signal that is another wish than the first. While processes go on for drain_delay,
    # it ends that, and nothing else.
    #
    # @param token [Integer] the signal
    # @yield once and again, until all are gone or the time is over
    # @return [void]
    def insist(token)
      return if @signals.same_wish?(token)
      return hurry(token) if @delay_until && now < @delay_until

      @spawner.children.each(&:halt)
      until_then = now + LAST_MOMENT
      yield while now < until_then && @spawner.children.any?
      @spawner.children.each(&:kill)
      @voice.flush
      @leave.call(128 + token)
    end

    # A process has told what it gave up.
    #
    # @param requests [Array<String>]
    # @return [void]
    def gave_up(requests) = @aborted.concat(requests)

    # A process is gone.
    #
    # @param child [Child]
    # @param ending [Reaper::End]
    # @param lost [String] what it was at, as {Watch#lost_with} has it
    # @return [void]
    def gone(child, ending, lost = "")
      return if ending.in_order? || child.spared?

      # What it gave up itself it has told, and of one that was late the watch has.
      @voice.complain("#{child} died#{ending}#{lost}") if ending.killed? && !lost.empty? && !child.ended_late?
      fault
    end

    # The server is at fault, or what runs.
    #
    # @return [void]
    def fault = (@status = 1 if @status.zero?)

    # Says how it went.
    #
    # @return [Integer] the exit status
    def finish
      unless @aborted.empty?
        @voice.complain("requests still ran #{timeout} s after the signal (shutdown_timeout); ending without them",
                        *@aborted.map { |request| "gave up #{request}" })
      end
      @voice.say "Stopped" if @status.zero?
      @status
    end

    private

    def hurry(token)
      @delay_until = nil
      @voice.say "Draining at once"
      @signals.heard(token)
      @spawner.children.each { |child| child.wire.tell("drain") if child.index }
    end

    # Whether one that boots its app has come further than it has told.
    def clients?(child)
      return false unless child.slot && child.boots_app?

      told = @spawner.site.scoreboard.read(child.slot)
      told[:pid] == child.pid && (told[:state] != "starting" || told[:connections].positive?)
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def timeout = @spawner.site.configuration.shutdown_timeout
  end

  private_constant :Shutdown
end
