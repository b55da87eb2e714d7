# frozen_string_literal: true

require_relative "relaunch"

module Kino
  # A file whose touch asks for a restart, as `bin/rails restart` touches `tmp/restart.txt`. What it was like at the
  # start doesn't matter, so a server that was started by a touch isn't by the same one again.
  #
  # @api private
  class RestartFile
    # Seconds between two looks.
    LOOK = 1
    private_constant :LOOK

    # @param path [String, nil] nil where there is none
    # @param clock [#call] the time, in seconds
    def initialize(path = nil, clock: -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) })
      @clock = clock
      follow(path)
    end

    # Looks at that one from now on.
    #
    # @param path [String, nil]
    # @return [void]
    def follow(path)
      # By the link that a deploy moves on, if the server was started there: what is touched is the next release's.
      path &&= File.expand_path(path, Relaunch.folder)
      return if path == @path

      @path = path
      @known = time
      @due = @clock.call
    end

    # @return [Boolean] whether it was touched since the last time
    def touched?
      return false if @path.nil? || @clock.call < @due

      @due = @clock.call + LOOK
      now = time
      was_touched = !now.nil? && now != @known
      @known = now
      was_touched
    end

    # @return [Float, nil] seconds until it is to be looked at; nil where there is nothing to look at
    def patience = @path && [@due - @clock.call, 0].max

    private

    def time
      @path && File.mtime(@path)
    rescue SystemCallError
      nil
    end
  end

  private_constant :RestartFile
end
