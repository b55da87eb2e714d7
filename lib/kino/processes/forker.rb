# frozen_string_literal: true

require_relative "member"
require_relative "mold"
require_relative "spawner"

module Kino
  # Starts processes also by forks of the parent's own, which has read the settings, and can have an app booted by them.
  #
  # @api private
  class Forker < Spawner
    # @param site [Site]
    # @param signals [Signals] the parent's, which no child is to hear
    # @yieldreturn [#call] the booted Rack app
    def initialize(site, signals, &boot)
      super(site)
      @first = site # its settings are whole, whatever the parent goes by later
      @signals = signals
      @boot = boot
    end

    # Starts a mold, which boots the app.
    #
    # @param _folder [String, nil] see {Spawner#mold}
    # @param waits [Boolean] whether it is to be told first that it may
    # @return [Child]
    # @raise [SystemCallError]
    def mold(_folder = nil, waits: false)
      adopt(*fork_with_wire { |theirs| Mold.new(@first, theirs, &@boot).run(waits: waits) })
    end

    # Starts a process that boots an app of its own.
    #
    # @param index [Integer] which one, from 0
    # @param size [Integer] of how many
    # @param goes_on [Boolean] see {Server#start_on}
    # @return [Child]
    # @raise [SystemCallError]
    def alone(index, size, goes_on: false)
      slot = free_slot
      wire, pid = fork_with_wire do |theirs|
        Member.new(@site, [index, size], slot, theirs, goes_on: goes_on).run(&@boot)
      end
      add(Child.new(wire, patience, index: index, slot: slot, pid: pid))
    end

    private

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

  private_constant :Forker
end
