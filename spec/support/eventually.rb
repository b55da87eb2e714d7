# frozen_string_literal: true

# For what a spec can only see from outside, such as a descriptor of the process being closed.
module Eventually
  # Seconds. With the collector at work at every allocation, nothing is quick.
  DEADLINE = ENV["GC_STRESS"] == "1" ? 600 : 20

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

  # Runs the block in `count` threads at once and answers their values; an error in one is raised here.
  def self.concurrently(count, &block)
    threads = Array.new(count) do |number|
      Thread.new do
        Thread.current.report_on_exception = false
        block.call(number)
      end
    end
    threads.map(&:value)
  end

  def concurrently(...) = Eventually.concurrently(...)

  # Takes what an app puts into a channel, or another thread into a queue.
  def take(channel)
    value = channel.pop(timeout: DEADLINE)
    value.nil? ? raise("nothing came into the channel within #{DEADLINE} s") : value
  end
end
