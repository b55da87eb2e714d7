# frozen_string_literal: true

require_relative "../rack/description"
require_relative "orders"
require_relative "terms"

module Kino
  # What processes tell their parent, and what follows from that.
  #
  # @api private
  module Messages
    private

    def listen(child)
      messages = child.wire.hear
      return child.wire.close unless messages

      messages.each { |word, *rest| take(child, word, rest) }
    end

    # A message. One of another version of Kino's may be of another form: then that process is of no use.
    def take(child, word, rest)
      case word
      when "hello" then child.pid = rest.first.to_i
      when "failed" then child.fault = rest.first
      when "booted" then booted(child, *rest)
      when "terms" then child.terms = Terms.load(rest.first)
      when "reloaded", "unreloaded" then reloaded(child, *rest)
      when "ready" then ready(child)
      when "stop" then begin_stop(Orders::ASKED)
      when "leaving" then leaving(child)
      when "left" then left(child, rest)
      when "unforked" then unforked(*rest.map(&:to_i))
      end
    rescue ArgumentError, TypeError => error
      child.fault ||= "it has told #{word}, which is not understood (#{Description.brief(error)})"
      child.kill
    end

    # The app is booted, by a mold or, where there is none, by the first process, and what there is to say of that. How
    # many processes there are to be may depend on what runs in them.
    def booted(child, mode, *said)
      return if child.index && @announced # it has another's place

      @mode = mode.to_sym
      have(@configuration.with(mode: @mode).processes) unless @announced
      @lines = []
      said.each_slice(2) { |kind, line| kind == "line" ? @lines << line : @voice.complain("warning: #{line}") }
      return if child.index

      @watch.forget(child) # of what it has served before nothing is under way
      @renewal.booted(child)
      # One that is there since another has died: its files may have changed meanwhile.
      go_by(child.terms, booted: true) if @announced && child.terms && !@renewal.tries?(child)
    end

    # A mold has read the settings again, or could not.
    def reloaded(mold, number = nil, fault = nil)
      return unless @renewal.awaits?(number)

      go_by(mold.terms) unless fault || mold.terms.nil?
      @renewal.reloaded(fault)
    end

    def ready(child)
      child.ready
      return child.drain if stopping?

      @fleet.ready(child)
      # What it was booted by, this process goes by from here on.
      go_by(child.mold.terms, booted: true) if @renewal.ready(child) && @renewal.restarts? && child.mold.terms
      announce if !@announced && @fleet.complete?
    end

    # A process was told to end by somebody else.
    def leaving(child)
      child.leave
      @fleet.leaving(child)
    end

    # What a process has ended without. Of one that another has taken over from, nobody else tells.
    def left(child, aborted)
      return @shutdown.gave_up(aborted) if stopping?
      return if aborted.empty?

      @voice.complain("#{child} still had requests #{@configuration.shutdown_timeout} s after it was to leave " \
                      "(shutdown_timeout), and has ended without them", *aborted.map { |one| "gave up #{one}" })
    end

    # The system gave the mold no process.
    def unforked(index, slot)
      child = children.find { |one| one.index == index && one.slot == slot && one.pid.nil? } or return
      @fleet.unborn(child)
      bury(child)
    end
  end

  private_constant :Messages
end
