# frozen_string_literal: true

require_relative "orders"

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

    # A message.
    def take(child, word, rest)
      case word
      when "hello" then child.pid = rest.first.to_i
      when "failed" then child.fault = rest.first
      when "booted" then booted(child, *rest)
      when "reloaded", "unreloaded" then @renewal.reloaded(rest.first)
      when "ready" then ready(child)
      when "stop" then begin_stop(Orders::ASKED)
      when "leaving" then leaving(child)
      when "left" then @shutdown.gave_up(rest)
      when "unforked" then unforked(*rest.map(&:to_i))
      end
    end

    # A mold has booted the app, and what there is to say of that. How many processes there are to be may depend on what
    # runs in them.
    def booted(mold, mode, *said)
      @mode = mode.to_sym
      have(@configuration.with(mode: @mode).processes) unless @announced
      @lines = []
      said.each_slice(2) { |kind, line| kind == "line" ? @lines << line : @voice.complain("warning: #{line}") }
      @renewal.booted(mold)
    end

    def ready(child)
      child.ready
      return child.drain if stopping?

      @fleet.ready(child)
      # What it was booted by, this process goes by from here on.
      reread(booted: true) if @renewal.ready(child) && @renewal.restarts?
      announce if !@announced && @fleet.complete?
    end

    # A process was told to end by somebody else.
    def leaving(child)
      child.leave
      @fleet.leaving(child)
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
