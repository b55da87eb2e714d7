# frozen_string_literal: true

require_relative "teller"

module Kino
  # How a {Server} ends: in order, or at once. What is public here is for commands.
  #
  # @api private
  module Ending
    # Seconds that a client which keeps its connection open has for its next request, when others serve already.
    FAREWELL = 1
    # Seconds between two looks at whether all have gone.
    LOOK = 0.02
    private_constant :FAREWELL, :LOOK

    # There is no time for what comes before the drain.
    #
    # @api private
    # @return [Boolean] whether that was under way
    def hurry
      @hurry << true
      !@is_waiting.nil?
    end

    # Has a stop that a signal asks for begun, and ended in time, by native threads, also while Ruby hears nothing of it
    # since native code of the app's has its lock. For a command whose process this is, once its handlers are there.
    #
    # @api private
    # @param numbers [Array<Integer>] the signals'
    # @return [nil]
    def attend(numbers)
      @native&.attend(numbers, @configuration.drain_delay, @configuration.shutdown_timeout) unless numbers.empty?
    end

    # A stop is heard of: from here on Ruby sees to it.
    #
    # @api private
    # @return [Float] for how many seconds a signal has asked for it
    def summoned = @native&.summoned || 0.0

    # What {#stop} does where no command runs the server.
    #
    # @api private
    # @param timeout [Numeric] seconds to wait at most
    # @param is_replaced [Boolean] whether others serve in its place: clients then have a moment to send their next
    #   request, whose answer tells them to go there
    # @param hands_on [Boolean] whether its sockets stay open, for other processes
    # @return [Boolean]
    def drain(timeout, is_replaced: false, hands_on: false)
      @listeners = nil if hands_on
      @is_replaced = is_replaced
      native, supervisor = @native, @supervisor
      return true unless native
      return (Thread.new { drain(timeout) } && false) if trapped? || supervisor.worker?(Thread.current)

      end_in_order(native, supervisor, timeout)
    end

    # What {#stop!} does where no command runs the server.
    #
    # @api private
    # @return [nil]
    def halt
      return Thread.new { halt } && nil if trapped?

      parts = @lock.synchronize do
        [@collector, @supervisor, @plane, @native, @log].tap { @collector = @native = @supervisor = @log = nil }
      end
      close_listeners
      parts.compact.each(&:stop)
      @hurry << nil if @hurry.num_waiting.positive?
      nil
    end

    private

    # In the handler of a signal no lock can be had.
    def trapped?
      @lock.synchronize { false }
    rescue ThreadError
      true
    end

    # The engine has its own descriptors of the same sockets: it closes the last ones, once nobody waits there any more.
    def close_listeners
      @listeners&.close
      @listeners = nil
    end

    def end_in_order(native, supervisor, timeout)
      until_then = now + timeout
      delay = @is_replaced ? FAREWELL : @configuration.drain_delay
      @is_replaced ? see_off(native, [timeout, delay].min) : lame_duck(native, [timeout, delay].min)
      hooks = Thread.new { @configuration.on_drain.each { |hook| tell(hook) } }
      told = hooks.join([until_then - now, 0].max)
      @plane.close if @is_replaced
      close_listeners
      native.drain
      in_time = supervisor.join([until_then - now, 0].max) && !told.nil?
      @aborted = in_time ? [] : describe(native.in_flight)
      in_time
    ensure
      halt
    end

    # Whatever it raises, the others have their turn, and the server stops.
    def tell(hook)
      hook.call
    rescue Exception => error
      Teller.new(errors).tell { |io| failure(io).log(nil, error) }
    end

    # Goes on for a while, with answers that end their connections, so that a load balancer notices before it is
    # refused.
    def lame_duck(native, delay)
      return unless delay.positive?

      native.lame_duck
      @is_waiting = true
      @hurry.pop(timeout: delay)
    ensure
      @is_waiting = nil
    end

    # The same where others serve already: until all clients have gone there, or are idle, as far as one can know.
    def see_off(native, seconds)
      native.lame_duck
      until_then = now + seconds
      nil until native.stats[:connections].zero? || now >= until_then || @hurry.pop(timeout: LOOK)
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  private_constant :Ending
end
