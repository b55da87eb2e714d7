# frozen_string_literal: true

require_relative "child"
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
    def initialize(site)
      @site = site
      @children = []
    end

    # Starts a mold from the files on the disk: new code, new gems, new settings.
    #
    # @param folder [String] where they are
    # @return [Child]
    # @raise [SystemCallError]
    def fresh_mold(folder = Relaunch.folder)
      folder = File.realpath(folder)
      mold = adopt(*Relaunch.start(:mold, @site.listeners, @site.scoreboard, folder: folder))
      mold.folder = folder
      mold
    end

    # Starts one in place of another, which has died.
    #
    # @param folder [String, nil] where that was started; nil for where this process was
    # @return [Child]
    # @raise [SystemCallError]
    def mold_again(folder = nil)
      fresh_mold(folder || Relaunch.origin)
    rescue Errno::ENOENT # it is gone, as releases go
      fresh_mold
    end
    alias mold mold_again

    # A mold that this process has started, be it before it was this program.
    #
    # @param wire [Wire] to it
    # @param pid [Integer]
    # @return [Child]
    def adopt(wire, pid) = add(Child.new(wire, patience, pid: pid))

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

    private

    def patience = @site.configuration.shutdown_timeout

    def free_slot = (0...SLOTS).find { |number| @children.none? { |child| child.slot == number } }

    def add(child)
      @children << child
      child
    end
  end

  private_constant :Spawner
end
