# frozen_string_literal: true

require_relative "worker"

module Kino
  # Where workers run, one way for each mode.
  #
  # @api private
  module Dispatcher
    # Runs the workers of `:threaded` mode: all in the main ractor.
    #
    # @api private
    class Threaded
      # The lock that all of them share.
      GVL_GROUP = 0
      private_constant :GVL_GROUP

      # @param native [Native::Server] a started engine
      # @param app [#call] a Rack app
      # @param plan [Worker::Plan]
      def initialize(native, app, plan)
        @native = native
        @app = app
        @plan = plan
        @workers = []
        @lock = Mutex.new
      end

      # Runs a worker, to its end.
      #
      # @param index [Integer] which worker it is, from 0
      # @return [Worker::Outcome]
      def run(index)
        worker = Worker.new(@app, @plan, index, GVL_GROUP)
        @lock.synchronize { @workers << worker }
        # On a thread of its own, which a hook may end without ending the one that is to notice.
        Thread.new { worker.run }.join
        worker.outcome
      ensure
        @lock.synchronize { @workers.delete(worker) }
      end

      # @param thread [Thread]
      # @return [Boolean] whether it serves this server's requests
      def worker?(thread) = workers.any? { |worker| worker.worker?(thread) }

      # Lets a thread that is stuck be, and has another serve in its place.
      #
      # @param gvl_group [Integer] the lock that it shares
      # @param worker [Integer] its number
      # @return [void]
      def replace(gvl_group, worker)
        @native.quarantine(gvl_group, worker)
        workers.first&.reinforce
      end

      private

      def workers = @lock.synchronize { @workers.dup }
    end
  end
end
