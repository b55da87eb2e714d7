# frozen_string_literal: true

# ActionController::Live has one pool of threads for the process, and one lock that says that code runs. No other ractor
# can have either: each gets a lock of its own, and a thread for each stream.
module SharedLive
  # In place of the pool.
  module Threads
    def self.post(&) = Thread.new(&)
  end

  def live_thread_pool_executor = Ractor.main? ? super : Threads

  # In place of the lock.
  module Interlock
    def interlock
      Ractor.main? ? super : Ractor.current[:rails_interlock] ||= ActiveSupport::Dependencies::Interlock.new
    end
  end
end

Repairs.add "live", upstream: "none known" do |repair|
  repair.before do
    ActionController::Live.singleton_class.prepend(SharedLive)
    ActiveSupport::Dependencies.singleton_class.prepend(SharedLive::Interlock)
  end
end
