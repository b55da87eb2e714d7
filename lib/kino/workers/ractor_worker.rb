# frozen_string_literal: true

require_relative "worker"
require_relative "ractors"

module Kino
  # A {Worker} in a ractor of its own, as the supervisor has it, which is in the main one. What goes there is shareable,
  # and nothing but the outcome comes back.
  #
  # @api private
  class RactorWorker
    # @return [Integer] the number of its interpreter lock: its ractor has one of its own
    attr_reader :gvl_group

    # @param native [Native::Engine] a started engine
    # @param app [#call] a Rack app that is shareable
    # @param plan [Plan] a shareable one
    # @param index [Integer] which worker this is, from 0
    def initialize(native, app, plan, index)
      @native = native
      @app = app
      @plan = plan
      @gvl_group = index
    end

    # Starts the ractor.
    #
    # @return [RactorWorker] itself
    def start
      Ractors.start(@app, @plan, @gvl_group, name: "kino #{@gvl_group + 1}") do |app, plan, index|
        RactorWorker.live(app, plan, index)
      end
      self
    end

    # @return [Worker::Outcome, nil] how it has come to its end; nil while it goes on
    def look
      kind, report = @native.end_of(@gvl_group)
      kind && Worker::Outcome.new(kind.to_sym, report)
    end

    # No thread can be started in another ractor.
    #
    # @return [Boolean] false
    def reinforce = false

    # No thread of another ractor can call a server's methods.
    #
    # @return [Boolean] false
    def worker?(_thread) = false

    # Nor can its backtrace be had.
    #
    # @return [nil]
    def place_of(_number) = nil

    class << self
      # What the ractor does, on its main thread. Its standard output is its own, with a buffer that nobody else could
      # flush.
      #
      # @return [void]
      def live(app, plan, index)
        Thread.current.report_on_exception = false
        $stdout.sync = true
        return unless (native = Native::GvlGroup.of(plan.engine, index)) # the engine has been stopped meanwhile

        worker = Worker.new(app, plan, index, index, own_thread: true) { native.call }
        outcome = look_after(worker, native)
      rescue Exception => error
        report = error.full_message(highlight: false, order: :top)
      ensure
        # Without an outcome, somebody has ended this thread.
        outcome ||= worker&.abandon || Worker::Outcome.new(:died, nil)
        Native::GvlGroup.tell_end(plan.engine, index, outcome.kind.to_s, report || outcome.report)
      end

      private

      def look_after(worker, native)
        worker.start
        over = false
        until (outcome = worker.look)
          over ? native.pause : over = native.wait
        end
        outcome
      end
    end
  end

  private_constant :RactorWorker
end
