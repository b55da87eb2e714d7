# frozen_string_literal: true

require_relative "child"
require_relative "member"
require_relative "mold"
require_relative "wire"

module Kino
  # Starts processes for the parent.
  #
  # @api private
  class Spawner
    # @param site [Site] what all processes of the server share
    # @param signals [Signals] the parent's, which no child is to hear
    # @yieldreturn [#call] the booted Rack app
    def initialize(site, signals, &boot)
      @site = site
      @signals = signals
      @boot = boot
    end

    # Starts a mold, which boots the app.
    #
    # @return [Child]
    def mold
      wire, pid = fork_with_wire { |theirs| Mold.new(@site, theirs, &@boot).run }
      Child.new(wire, patience, pid: pid)
    end

    # Has a mold fork a process that serves.
    #
    # @param mold [Child]
    # @param index [Integer] which one, from 0
    # @param slot [Integer] its place on the scoreboard
    # @return [Child]
    def member(mold, index, slot)
      ours, theirs = Wire.pair
      mold.wire.tell("fork", index, slot, descriptor: theirs.to_io)
      theirs.close
      Child.new(ours, patience, index: index, slot: slot)
    end

    # Starts a process that boots an app of its own.
    #
    # @param index [Integer] which one, from 0
    # @param slot [Integer] its place on the scoreboard
    # @return [Child]
    def alone(index, slot)
      wire, pid = fork_with_wire { |theirs| Member.new(@site, index, slot, theirs).run(&@boot) }
      Child.new(wire, patience, index: index, slot: slot, pid: pid)
    end

    private

    def patience = @site.configuration.shutdown_timeout

    def fork_with_wire
      ours, theirs = Wire.pair
      pid = fork do
        @signals.disown
        ours.close
        exit(yield(theirs))
      end
      theirs.close
      [ours, pid]
    end
  end

  private_constant :Spawner
end
