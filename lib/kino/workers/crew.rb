# frozen_string_literal: true

module Kino
  # Has workers in mode `:threaded` have as many threads as they need, within what `threads` and `max_io_threads` allow.
  # The engine says when some are lacking: requests wait, every thread is in the app, and some of those wait there for
  # something outside of Ruby. Threads that have had no request for long end, one after the other. The supervisor has it
  # look.
  #
  # @api private
  class Crew
    # All workers of this mode share one interpreter lock.
    GVL_GROUP = 0
    # Seconds until the next try where the system gives no thread.
    RETRY = 1
    private_constant :GVL_GROUP, :RETRY

    # @param settings [Configuration] with the mode that was chosen
    # @return [Boolean] whether there are not always as many threads
    def self.elastic?(settings) = settings.min_threads < settings.threads || settings.max_io_threads.positive?

    # @param native [Native::Engine] a started engine
    # @param settings [Configuration] with the mode that was chosen
    # @return [Crew, nil] nil where there are always as many threads
    def self.of(native, settings)
      return unless elastic?(settings)

      bounds = [settings.min_threads, settings.threads, settings.max_io_threads]
      native.vary(GVL_GROUP, *bounds.map { |number| number * settings.workers })
      new(native, settings.min_threads, settings.thread_idle_timeout)
    end

    # @param native [Native::Engine] a started engine
    # @param least [Integer] threads that each worker always has
    # @param timeout [Numeric] seconds that one beyond these may be without a request
    def initialize(native, least, timeout)
      @native = native
      @least = least
      @timeout = timeout
      @next_look = 0
    end

    # @return [Numeric, nil] seconds between two looks; nil while there is nothing to look for
    def interval = [(RETRY if @due), (pause if @has_more)].compact.min

    # Starts threads, or ends one, where that is called for.
    #
    # @param workers [Array<Worker>] those that serve
    # @return [void]
    def look(workers)
      hire(workers)
      let_go(workers)
      @has_more = workers.any? { |worker| more?(worker) }
    end

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def pause = @timeout / 4.0

    # Those that have fewest get the next.
    def hire(workers)
      return if workers.empty? || (@due && now < @due)

      @due = nil
      @native.lacking(GVL_GROUP).times do
        workers.min_by(&:size).reinforce
        @native.filled(GVL_GROUP)
      end
    rescue ThreadError # there is none to be had
      @due = now + RETRY
    end

    def let_go(workers)
      having_more = workers.select { |worker| more?(worker) }
      return if having_more.empty? || now < @next_look

      @next_look = now + pause
      rested = @native.rested(GVL_GROUP, @timeout.to_f)
      rested.any? { |number| having_more.any? { |worker| worker.release(number) } }
    end

    def more?(worker) = worker.size > @least
  end

  private_constant :Crew
end
