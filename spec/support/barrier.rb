# frozen_string_literal: true

require_relative "eventually"
require_relative "raw_client"

# An app that holds every request until `size` of them are inside it at once. Only a server that runs so many at the
# same time ever answers.
class Barrier
  DEADLINE = 20

  def initialize(size)
    @size = size
    @inside = 0
    @mutex = Mutex.new
    @full = ConditionVariable.new
  end

  def call(_env)
    [pass ? 200 : 503, {}, []]
  end

  # Sends `size` requests at once; the statuses they got.
  def statuses(url)
    Eventually.concurrently(@size) { RawClient.open(url) { |client| client.get("/barrier").status } }
  end

  # Ready for the next `size` requests.
  def reset = @mutex.synchronize { @inside = 0 }

  private

  # True when the barrier opened; false when it did not within the deadline.
  def pass
    @mutex.synchronize do
      @inside += 1
      @full.broadcast
      deadline = now + DEADLINE
      @full.wait(@mutex, [deadline - now, 0].max) until @inside >= @size || now > deadline
      @inside >= @size
    end
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
