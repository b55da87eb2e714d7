# frozen_string_literal: true

module Kino
  # How processes are, by what each writes on the scoreboard: a native thread of theirs does that, whatever Ruby is at.
  #
  # @api private
  class Health
    # What was seen of a process, and since when it has been so.
    Seen = Struct.new(:finished, :since)
    private_constant :Seen

    # @param scoreboard [Native::Scoreboard]
    # @param configuration [Configuration]
    def initialize(scoreboard, configuration)
      @scoreboard = scoreboard
      @timeout = configuration.process_timeout
      @seen = {}
    end

    # Those that give no sign of life, finish nothing while requests wait, or whose Ruby is stuck with what got a 504.
    # A request alone, that nobody has given up, may take for as long as it likes, with Ruby's lock or without: who
    # waits for it wants what it makes.
    #
    # @param children [Array<Child>] that serve
    # @return [Hash{Child => String}] what is wrong with each
    def stuck(children)
      return {} unless @timeout

      children.to_h { |child| [child, fault(child)] }.compact
    end

    # It has come to its end, or serves no more.
    #
    # @param child [Child]
    # @return [void]
    def forget(child)
      @seen.delete(child)
      slot = child.give_slot_back
      @scoreboard.free(slot) if slot
    end

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def fault(child)
      told = @scoreboard.read(child.slot)
      beat = told[:beat]
      return "has given no sign of life for #{beat.round(1)} s#{at(told)}" if beat && beat > @timeout

      unserved = told[:unserved]
      return "has begun no request for #{unserved.round(1)} s while some waited#{at(told)}" if unserved > @timeout

      unheard = told[:unheard]
      return "has run no Ruby for #{unheard.round(1)} s after a 504#{at(told)}" if unheard > @timeout

      # An answer that waits for its client is nobody's work any more, though it isn't counted yet.
      finished = told[:stats][:requests] - told[:stats][:running]
      seen = @seen[child] ||= Seen.new(finished, now)
      seen.finished, seen.since = finished, now if told[:waiting].zero? || finished != seen.finished
      stood = now - seen.since
      "has finished no request for #{stood.round(1)} s while others waited#{at(told)}" if stood > @timeout
    end

    def at(told) = (" (at #{told[:in_flight]})" unless told[:in_flight].empty?)
  end

  private_constant :Health
end
