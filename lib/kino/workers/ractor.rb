# frozen_string_literal: true

require_relative "worker"
require_relative "ractors"

module Kino
  module Dispatcher
    # Runs the workers of `:ractor` mode: each in a ractor of its own. What goes there is shareable, and
    # nothing but the outcome comes back.
    #
    # @api private
    class Ractor
      # @param native [Native::Server] a started engine
      # @param app [#call] a Rack app that is shareable
      # @param plan [Worker::Plan] a shareable one
      # @yield to have one more worker started
      def initialize(native, app, plan, &start_another)
        @native = native
        @app = app
        @plan = plan
        @start_another = start_another
      end

      # Runs a worker, to its end.
      #
      # @param index [Integer] which worker it is, from 0; its gvl_group, too, since its ractor has a lock of its own
      # @return [Worker::Outcome]
      def run(index)
        Ractors.start(@app, @plan, index, name: "kino #{index + 1}") do |app, plan, number|
          Thread.current.report_on_exception = false
          Ractor.serve(app, plan, number)
        end
        kind, report = @native.wait_for_end(index)
        Worker::Outcome.new(kind.to_sym, report)
      end

      # What a ractor does. Its standard output is its own, with a buffer that nobody else could flush.
      #
      # @return [void]
      def self.serve(app, plan, index)
        $stdout.sync = true
        worker = Worker.new(app, plan, index, index)
        worker.run
      ensure
        outcome = worker.outcome
        Native::Worker.tell_end(plan.engine, index, outcome.kind.to_s, outcome.report)
      end

      # No thread of another ractor can call a server's methods.
      #
      # @return [Boolean] false
      def worker?(_thread) = false

      # Lets a ractor with a stuck thread be, and has another serve in its place.
      #
      # @param gvl_group [Integer] the number of its lock
      # @return [void]
      def replace(gvl_group, _worker)
        @native.quarantine(gvl_group, nil)
        @start_another.call
      end
    end
  end
end
