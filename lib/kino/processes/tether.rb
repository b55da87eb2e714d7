# frozen_string_literal: true

module Kino
  # What has a process end when its parent does, whatever it is at: a boot, a hook, what is done at exit.
  #
  # Who serves is not tied so: the heart of its engine sees the wire's end, and lets requests come to theirs.
  #
  # @api private
  module Tether
    # From now on the process gets KILL when its parent ends. Where the system knows no such thing, only what reads the
    # wire hears of that.
    #
    # @param wire [Wire] to the parent
    # @return [Boolean] false when the parent has ended before, which the system doesn't tell any more
    def self.tie(wire)
      Native.die_with("KILL")
      wire.tell("hello", Process.pid)
    end
  end

  private_constant :Tether
end
