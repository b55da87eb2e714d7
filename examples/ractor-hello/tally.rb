# frozen_string_literal: true

# A count that requests change, so ractors can't share it: each has its own. The lock is for the threads of one ractor.
class Tally
  if Ractor.respond_to?(:store_if_absent)
    # This ractor's own, made when it is first asked for.
    def self.mine = Ractor.store_if_absent(:tally) { new }
  else
    # The same for Ruby 3.3, where two threads could both make one. That is why kino.rb asks first, at boot.
    def self.mine = Ractor.current[:tally] ||= new
  end

  def initialize
    @count = 0
    @lock = Mutex.new
  end

  # One more; how many there are now.
  def add = @lock.synchronize { @count += 1 }
end

# The main ractor's, which all workers of mode :threaded use: made here, before there are any.
Tally.mine
