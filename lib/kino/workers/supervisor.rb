# frozen_string_literal: true

require_relative "threaded"
require_relative "ractor"
require_relative "../server/teller"

module Kino
  # Keeps a server's workers going: each has a thread here that does nothing but wait for its end, and starts another
  # when that came too early.
  #
  # @api private
  class Supervisor
    # So many times in a row a worker may fail to boot.
    ATTEMPTS = 5
    # A worker that dies sooner, in seconds, may have its successor wait.
    QUICK = 1
    # So many in a row have no successor that waits: a request may have ended each of them.
    FREE = { died: 3, unbooted: 1 }.freeze
    # Seconds that the next one's successor waits, doubled for each further one, and the most.
    DELAY = 0.1
    MOST_DELAY = { died: 0.5, unbooted: 5 }.freeze
    private_constant :ATTEMPTS, :QUICK, :FREE, :DELAY, :MOST_DELAY

    # @param native [Native::Server] a started engine
    # @param size [Integer] workers
    # @param errors [IO] for what becomes of workers
    # @yieldparam start_another [Proc] starts one more worker
    # @yieldreturn [#run, #worker?, #replace] the dispatcher
    def initialize(native, size, errors)
      @native = native
      @size = size
      @errors = Teller.new(errors)
      @keepers = []
      @started = 0
      @lock = Mutex.new
      @stop = Thread::Queue.new
      @dispatcher = yield -> { keep }
    end

    # @return [void]
    def start = @size.times { keep }

    # Waits until all workers have come to their end.
    #
    # @param limit [Numeric, nil] seconds to wait at most
    # @return [Boolean] whether they have
    # @raise [WorkerBootError] when that was because they could not boot
    def join(limit = nil)
      until_then = limit && (now + limit)
      while (keeper = @lock.synchronize { @keepers.first })
        return false unless keeper.join(until_then && [until_then - now, 0].max)

        @lock.synchronize { @keepers.delete(keeper) }
      end
      raise @error if @error

      true
    end

    # @param thread [Thread]
    # @return [Boolean] whether it serves this server's requests
    def worker?(thread) = @dispatcher.worker?(thread)

    # Lets a worker that is stuck be, and has another serve in its place.
    #
    # @param gvl_group [Integer]
    # @param worker [Integer]
    # @return [void]
    def replace(gvl_group, worker) = @dispatcher.replace(gvl_group, worker)

    # Starts no worker any more. Those there are end with the engine.
    #
    # @return [void]
    def stop = @stop.close

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    # A worker that takes the place of a stuck one is one more, with a number of its own.
    def keep
      @lock.synchronize do
        index = @started
        @started += 1
        keeper = Thread.new { attend(index) }
        keeper.name = "kino keeper #{index + 1}"
        @keepers << keeper
      end
    end

    def attend(index)
      failures = unbooted = 0
      until @stop.closed?
        started = now
        outcome = @dispatcher.run(index)
        break if outcome.kind == :ended

        tell(index, outcome)
        unbooted = outcome.kind == :unbooted ? unbooted + 1 : 0
        break give_up(index, outcome) if unbooted >= ATTEMPTS

        failures = unbooted.positive? || now - started < QUICK ? failures + 1 : 0
        pause(failures - FREE[outcome.kind], MOST_DELAY[outcome.kind])
      end
    end

    def tell(index, outcome)
      return if @stop.closed?

      @native.died
      what = outcome.kind == :unbooted ? "could not boot" : "died"
      @errors.tell { |io| io.write("kino: worker #{index + 1} #{what}: #{outcome.report}\n") }
    end

    def pause(failures, most)
      @stop.pop(timeout: [DELAY * (2**(failures - 1)), most].min) if failures.positive?
    end

    def give_up(index, outcome)
      last = outcome.report.lines.first&.chomp
      @error = WorkerBootError.new("worker #{index + 1} could not boot #{ATTEMPTS} times in a row, so the server " \
                                   "ends; the last time on_worker_boot raised: #{last}")
      @stop.close
      @native.stop
    end
  end
end
