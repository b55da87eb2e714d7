# frozen_string_literal: true

require_relative "../rack/failure"

module Kino
  # Tells `on_error` of requests that take too long, each once: those whose client has got a 504 in the app's place
  # (`request_timeout`), and those whose worker counts as stuck (`stuck_timeout`). The error has the backtrace of where
  # the worker's thread is, which only the ractor that has the thread can ask for. What got a 504 is logged as well,
  # with that; whose worker is stuck is logged by who finds it. The supervisor has it look.
  #
  # @api private
  class OverdueWatch
    # Seconds between two looks.
    INTERVAL = 0.5
    # So many errors may wait for the hooks; of more, the last are dropped.
    ROOM = 64
    private_constant :INTERVAL, :ROOM

    # @param native [Native::Engine] a started engine
    # @param failure [Failure] who is told
    # @param timeout [Numeric, nil] `request_timeout`
    def initialize(native, failure, timeout)
      @native = native
      @failure = failure
      @timeout = timeout
      @waiting = Thread::Queue.new
    end

    # @return [Numeric, nil] seconds between two looks; nil where there is nothing to look for
    def interval = (INTERVAL if @timeout)

    # @return [#call] finds the thread of the worker of a number, and the env of the request that it is at
    attr_writer :finder

    # Looks once for those that were answered in their worker's place.
    #
    # @return [void]
    def look
      @native.overdue.each do |worker, request, key|
        tell(Failure.timed_out(request, @timeout), worker) { |env| key_of(env["kino.request"]) == key }
      end
    end

    # A worker counts as stuck.
    #
    # @param what [String] such as `"GET /report for 61.2 s"`
    # @param timeout [Numeric] `stuck_timeout`
    # @param worker [Integer] its number
    # @return [void]
    def stuck(what, timeout, worker)
      error = WorkerStuckError.new("a worker has been at #{what} (stuck_timeout #{timeout})")
      tell(error, worker) { @native.in_flight.any? { |other, _, time, *| other == worker && time > timeout } }
    end

    private

    # An app may have put anything there.
    def key_of(request) = (Native::Exchange.key(request) if request.is_a?(Request))

    # The thread may be at another request by now, be it of the same path: then nothing is known of where it was. Asked
    # whether it is still the one once all is found, so that none of it is another's.
    def tell(error, worker)
      thread, env = @finder&.call(worker)
      lines = thread&.backtrace
      env = lines = nil unless env && yield(env)
      error.set_backtrace(lines || [])
      return if @waiting.size >= ROOM

      @waiting << [env, error]
      @teller = begin_telling unless @teller&.alive?
    rescue ThreadError # there is none to be had: the next one's has this one, too
      nil
    end

    # A hook may take long, and nobody is to wait for it.
    def begin_telling
      Thread.new do
        while (env, error = following)
          error.is_a?(RequestTimeoutError) && env ? @failure.log(env, error) : @failure.tell(env, error)
        end
      end
    end

    # For a while, since one is seldom alone.
    def following = @waiting.pop(timeout: INTERVAL)
  end

  private_constant :OverdueWatch
end
