# frozen_string_literal: true

# A Rack 3 web server with a Rust core.
module Kino
  # The one descriptor that a process is started with which is to take another's place, or to boot the app for it: one
  # end of a wire, by which all others come. What reads the settings, or loads the app, may start programs before it is
  # asked for.
  #
  # @api private
  module GivenWire
    # Where a process that was started so finds what it was given.
    VARIABLE = "KINO_INHERITED"

    class << self
      # Keeps it from programs that this process starts.
      #
      # @return [void]
      def keep
        number = ENV.fetch(VARIABLE, "").split[1] or return
        IO.for_fd(number.to_i, autoclose: false).close_on_exec = true
      rescue SystemCallError
        nil # whoever takes it says so
      end
    end
  end

  GivenWire.keep
  private_constant :GivenWire
end
