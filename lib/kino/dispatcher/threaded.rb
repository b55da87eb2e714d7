# frozen_string_literal: true

require_relative "../crew"

module Kino
  # Where crews run, one way for each mode.
  #
  # @api private
  module Dispatcher
    # Runs the crews of `:threaded` mode: all in the main ractor.
    #
    # @api private
    class Threaded
      # The lock that all of them share.
      LANE = 0
      private_constant :LANE

      # @param native [Native::Server] a started engine
      # @param app [#call] a Rack app
      # @param plan [Crew::Plan]
      def initialize(native, app, plan)
        @native = native
        @app = app
        @plan = plan
        @crews = []
        @lock = Mutex.new
      end

      # Runs a crew, to its end.
      #
      # @param index [Integer] which worker it is, from 0
      # @return [Crew::Outcome]
      def run(index)
        crew = Crew.new(@app, @plan, index, LANE)
        @lock.synchronize { @crews << crew }
        # On a thread of its own, which a hook may end without ending the one that is to notice.
        Thread.new { crew.run }.join
        crew.outcome
      ensure
        @lock.synchronize { @crews.delete(crew) }
      end

      # @param thread [Thread]
      # @return [Boolean] whether it serves this server's requests
      def worker?(thread) = crews.any? { |crew| crew.worker?(thread) }

      # Lets a thread that is stuck be, and has another serve in its place.
      #
      # @param gvl_group [Integer] the lock that it shares
      # @param worker [Integer] its number
      # @return [void]
      def replace(gvl_group, worker)
        @native.quarantine(gvl_group, worker)
        crews.first&.reinforce
      end

      private

      def crews = @lock.synchronize { @crews.dup }
    end
  end
end
