# frozen_string_literal: true

# For what a spec can only see from outside, such as a descriptor of the process being closed.
module Eventually
  DEADLINE = 20

  # Answers the block's first value that is neither nil nor false; fails when there is none within DEADLINE seconds.
  def eventually(what)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + DEADLINE
    loop do
      value = yield
      return value if value
      raise "waited #{DEADLINE} s in vain: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.01
    end
  end

  # Takes what another thread puts into a queue.
  def take(queue)
    queue.pop(timeout: DEADLINE) || raise("nothing came into the queue within #{DEADLINE} s")
  end
end
