# frozen_string_literal: true

module Kino
  # The way out for a process whose threads may never end: an ordinary exit would wait for them, for ever, and `exit!`
  # alone would skip what the app wants done at exit, such as sending its last error reports and removing its pid file.
  #
  # @api private
  module Leaving
    # Seconds that `at_exit` blocks have at least, all together.
    LIMIT = 1

    # Runs what is to be done at exit, and ends the process; to be called on the main thread.
    #
    # @param status [Integer] the process's
    # @return [void] never
    def self.leave(status)
      watch(status)
      exit(status)
    end

    # The process is about to end in order, by the caller: what is to be done at exit has so long, but no less than
    # {LIMIT}.
    #
    # @param status [Integer] the process's, where that takes longer
    # @param seconds [Numeric]
    # @return [void]
    def self.hurry(status, seconds)
      Thread.new do
        sleep([seconds, LIMIT].max)
        Process.exit!(status)
      end
    end

    # Ruby runs `at_exit` blocks first, and ends all threads then: this one, by which it has come to its last act, or
    # when it has waited for too long. Begun closed to that, so that it can't be ended before it waits.
    def self.watch(status)
      Thread.handle_interrupt(Object => :never) do
        Thread.new do
          Thread.handle_interrupt(Object => :immediate) { sleep(LIMIT) }
        ensure
          Process.exit!(status)
        end
      end
    end
    private_class_method :watch
  end

  private_constant :Leaving
end
