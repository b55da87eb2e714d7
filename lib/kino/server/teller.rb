# frozen_string_literal: true

module Kino
  # Says what Kino has to say where nobody may read it: a pipe that is full, or whose reader has gone. Whoever stops a
  # server or looks after its workers waits a moment for that, and then goes on.
  #
  # @api private
  class Teller
    # Seconds.
    PATIENCE = 0.5

    # @param io [IO] where to
    def initialize(io)
      @io = io
      @lock = Mutex.new
    end

    # Has the block write, on a thread of its own. While one still waits for its reader, those that come are dropped;
    # what can't be written is, too.
    #
    # @yieldparam io [IO]
    # @return [void]
    def tell(&block)
      @lock.synchronize { @writer = begin_writing(block) unless @writer&.alive? }&.join(PATIENCE)
    end

    private

    def begin_writing(block)
      Thread.new do
        block.call(@io)
        @io.flush
      rescue SystemCallError, IOError
        nil
      end
    end
  end
end
