# frozen_string_literal: true

module Kino
  # Says what Kino has to say where nobody may read it: a pipe that is full, or whose reader has gone. Whoever stops a
  # server or looks after its workers waits a moment for that, and then goes on; what was said is kept for a reader that
  # comes late.
  #
  # @api private
  class Teller
    # Seconds.
    PATIENCE = 0.5
    # So many may wait to be written; of more, those that come last are dropped.
    ROOM = 100

    # @param io [IO] where to
    def initialize(io)
      @io = io
      @lock = Mutex.new
      @written = ConditionVariable.new
      @waiting = []
      @stuck = false
    end

    # Has the block write, after those before it, on a thread that is not the caller's. Waits for it, but not again
    # where the last one has waited in vain and nothing was written since. What can't be written is dropped.
    #
    # @yieldparam io [IO]
    # @return [void]
    def tell(&block)
      @lock.synchronize do
        next if @waiting.size >= ROOM

        @waiting << block
        @writer = begin_writing unless @writer&.alive?
        await unless @stuck
      end
    rescue ThreadError # there is no thread to be had: the next one's writes this, too
      nil
    end

    # Waits once more for what has not been written yet, before the process ends.
    #
    # @return [void]
    def finish = @lock.synchronize { await }

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def await
      until_then = now + PATIENCE
      until @waiting.empty?
        left = until_then - now
        return @stuck = true unless left.positive?

        @written.wait(@lock, left)
      end
    end

    def begin_writing
      Thread.new do
        while (block = following)
          write(block)
        end
      end
    end

    # Of a thread that comes here with nothing left, nobody expects anything any more.
    def following = @lock.synchronize { @waiting.first || (@writer = nil) }

    def write(block)
      block.call(@io)
      @io.flush
    rescue StandardError # of the system's, or of a Logger's
      nil
    ensure
      @lock.synchronize do
        @waiting.shift
        @stuck = false
        @written.broadcast
      end
    end
  end

  private_constant :Teller
end
