# frozen_string_literal: true

require_relative "child"
require_relative "member"
require_relative "mold"
require_relative "relaunch"
require_relative "wire"

module Kino
  # Starts processes for the parent, and knows all that live.
  #
  # @api private
  class Spawner
    # Places on the scoreboard: for those that serve, their successors, and those that are still leaving.
    SLOTS = 1024

    # @return [Array<Child>] all that live, as far as is known
    attr_reader :children
    # @return [Site] what all processes of the server share
    attr_accessor :site

    # @return [Control, nil] the parent's, which no child is to have
    attr_writer :control
    # @return [Reading, nil] the parent's, too
    attr_writer :reading

    # @param site [Site]
    # @param signals [Signals] the parent's, which no child is to hear
    # @yieldreturn [#call] the booted Rack app
    def initialize(site, signals, &boot)
      @site = site
      @signals = signals
      @boot = boot
      @children = []
    end

    # Starts a mold, which boots the app.
    #
    # @return [Child]
    def mold
      wire, pid = fork_with_wire { |theirs| Mold.new(@site, theirs, &@boot).run }
      add(Child.new(wire, patience, pid: pid))
    end

    # Starts a mold from the files on the disk: new code, new gems, new settings.
    #
    # @return [Child]
    # @raise [SystemCallError]
    def fresh_mold
      wire, pid = Relaunch.start(:mold, @site.listeners, @site.scoreboard)
      add(Child.new(wire, patience, pid: pid))
    end

    # Has a mold fork a process that serves.
    #
    # @param mold [Child]
    # @param index [Integer] which one, from 0
    # @param size [Integer] of how many
    # @param goes_on [Boolean] see {Server#start_on}
    # @return [Child, nil] nil when the mold reads nothing
    def member(mold, index, size, goes_on: false)
      ours, theirs = Wire.pair
      order = ["fork", index, slot = free_slot, size, goes_on ? 1 : 0]
      is_told = mold.wire.tell(*order, descriptor: theirs.to_io)
      theirs.close
      return add(Child.new(ours, patience, index: index, slot: slot, mold: mold)) if is_told

      ours.close
    end

    # Starts a process that boots an app of its own.
    #
    # @param index [Integer] which one, from 0
    # @param size [Integer] of how many
    # @param goes_on [Boolean] see {Server#start_on}
    # @return [Child]
    def alone(index, size, goes_on: false)
      slot = free_slot
      wire, pid = fork_with_wire do |theirs|
        Member.new(@site, [index, size], slot, theirs, goes_on: goes_on).run(&@boot)
      end
      add(Child.new(wire, patience, index: index, slot: slot, pid: pid))
    end

    private

    def patience = @site.configuration.shutdown_timeout

    def free_slot = (0...SLOTS).find { |number| @children.none? { |child| child.slot == number } }

    def add(child)
      @children << child
      child
    end

    def fork_with_wire
      ours, theirs = Wire.pair
      pid = fork do
        @signals.disown
        @control&.abandon
        @reading&.close
        ours.close
        @children.each { |child| child.wire.close }
        exit(yield(theirs))
      end
      theirs.close
      [ours, pid]
    end
  end

  private_constant :Spawner
end
