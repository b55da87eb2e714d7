# frozen_string_literal: true

module Kino
  # A worker's place: who has it, and, where workers come to their end too early, when the next one is due.
  #
  # @api private
  class Place
    # So many times in a row a worker may fail to boot.
    ATTEMPTS = 5
    # A worker that dies sooner, in seconds, may have its successor wait.
    QUICK = 1
    # So many in a row have no successor that waits: a request may have ended each of them.
    FREE = { died: 3, unbooted: 1 }.freeze
    # Seconds that the next one's successor waits, doubled for each further one, and the most.
    DELAY = 0.1
    MOST_DELAY = { died: 0.5, unbooted: 5 }.freeze
    # Seconds until the next try where the system gives no thread.
    RETRY = 1
    private_constant :QUICK, :FREE, :DELAY, :MOST_DELAY, :RETRY

    # @return [Integer] its number, from 0
    attr_reader :index
    # @return [Worker, RactorWorker, nil] who has it
    attr_reader :worker

    # @param index [Integer]
    # @yieldreturn [Float] what time it is, in seconds
    def initialize(index, &clock)
      @index = index
      @clock = clock
      @since = @failures = @unbooted = 0
    end

    # @return [Numeric, nil] seconds until something is due there; nil where nothing is
    def patience = @due && [@due - now, 0].max

    # Gives it to a worker, if one is due.
    #
    # @yieldreturn [Worker, RactorWorker] one that has been started
    # @return [void]
    def fill
      return if @due && now < @due

      @due = nil
      @since = now
      @worker = yield
    end

    # Has its worker go on.
    #
    # @return [Worker::Outcome, nil] how that has come to its end; nil while it goes on
    def look
      outcome = @worker.look
      @due = nil
      outcome
    rescue ThreadError # it has found no thread to replace one with
      @due = now + RETRY
      nil
    end

    # Nobody has it any more.
    #
    # @return [void]
    def empty = @worker = nil

    # Counts an end that came too early, and has the next one wait where there are many.
    #
    # @param kind [Symbol] `:unbooted` or `:died`
    # @return [void]
    def count(kind)
      @unbooted = kind == :unbooted ? @unbooted + 1 : 0
      @failures = @unbooted.positive? || now - @since < QUICK ? @failures + 1 : 0
      @due = now + delay(@failures - FREE[kind], MOST_DELAY[kind])
    end

    # @return [Boolean] whether workers have failed to boot so often that no other is tried
    def hopeless? = @unbooted >= ATTEMPTS

    private

    def now = @clock.call

    def delay(failures, most) = failures.positive? ? [DELAY * (2**(failures - 1)), most].min : 0
  end

  private_constant :Place
end
