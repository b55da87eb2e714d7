# frozen_string_literal: true

# Processes that specs fork.
module Forked
  # Forks, runs the block in the child, and yields the child's process id once that is done.
  #
  # @param work [#call] what the child does; it is given what it tells by. When it is done, the child waits to be ended.
  # @yieldparam pid [Integer]
  def forked(work)
    ours, theirs = IO.pipe
    pid = fork do
      ours.close
      work.call(theirs)
      theirs.puts("there")
      sleep
    ensure
      exit!(9)
    end
    theirs.close
    told = ours.gets
    raise "the child has not come so far: #{ours.read}" unless told == "there\n"

    yield(pid)
  ensure
    ours.close
    end_of(pid)
  end

  # Ends it, if need be.
  #
  # @return [Process::Status, nil] how it has ended; nil when somebody has asked before
  def end_of(pid)
    Process.kill(:KILL, pid)
    Process.wait2(pid).last
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  end
end
