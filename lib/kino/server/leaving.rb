# frozen_string_literal: true

require_relative "../processes/staying"

module Kino
  # The way out for a process whose threads, or `at_exit` blocks, may never end: an ordinary exit would wait for them,
  # for ever, and `exit!` alone would skip what the app wants done at exit, such as sending its last error reports and
  # removing its pid file.
  #
  # @api private
  module Leaving
    # Seconds of their own that `at_exit` blocks have, all together.
    LIMIT = 1
    # Seconds between two looks at whether other threads are gone.
    LOOK = 0.02
    private_constant :LOOK

    class << self
      # The process begins to end in order.
      #
      # @param seconds [Numeric] that this may take; what is left of it at exit is what is to be done then may take,
      #   besides {LIMIT}
      # @return [void]
      def begin(seconds) = @until = now + seconds

      # Runs what is to be done at exit, and ends the process; to be called on the main thread.
      #
      # @param status [Integer] the process's
      # @return [void] never
      def leave(status)
        watch(status, LIMIT)
        exit(status)
      end

      # The caller ends the process, in order, when it likes: from then on, what is to be done at exit has what is left
      # of its time now, and so have threads that the app has left to run.
      #
      # @param seconds [Numeric] how long that is where no end in order has begun
      # @return [void]
      def bound(seconds)
        process = Process.pid
        seconds = left if @until
        # A child of fork's has its parent's blocks, too.
        at_exit { watch(status, seconds + LIMIT, wait: true) if Process.pid == process }
      end

      # The process ends within what is left of its time, whatever it is at.
      #
      # @param status [Integer] the process's
      # @return [void]
      def hurry(status) = watch(status, left + LIMIT, wait: true)

      private

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      def left = [(@until || 0) - now, 0].max

      # What the process is about to end with.
      def status
        case (error = $!)
        when nil then 0
        when SystemExit then error.status
        when SignalException then 128 + error.signo
        else 1
        end
      end

      # Ruby runs `at_exit` blocks first, and ends all threads then: this one, by which it has come to its last act, or
      # when the time is over. Begun closed to that, so that it can't be ended before it waits. With `wait` what is
      # left of the time is other threads', which Ruby waits for.
      def watch(status, seconds, wait: false)
        until_then = now + seconds
        watches << Thread.handle_interrupt(Object => :never) do
          Thread.new do
            Thread.handle_interrupt(Object => :immediate) { sleep(seconds) }
          ensure
            sleep(LOOK) while wait && now < until_then && others?
            Staying.leave(status) if !wait || now >= until_then
          end
        end
      end

      # Besides those that only look whether there are any.
      def others? = (Thread.list - [Thread.current, Thread.main, *watches]).any? || Ractor.count > 1

      def watches = @watches ||= []
    end
  end

  private_constant :Leaving
end
