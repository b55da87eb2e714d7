# frozen_string_literal: true

module Kino
  module Reload
    # Has changes noticed between requests, so that the app is booted anew when the next one comes: by the gem `listen`,
    # which the system tells, where that is there; else by a look every second. Requests look for themselves.
    #
    # @api private
    class Observer
      # Seconds between two looks.
      LOOK = 1
      private_constant :LOOK

      # @param gate [Gate]
      # @param folder [String] the app's
      def initialize(gate, folder)
        @gate = gate
        @folder = folder
      end

      # @return [Observer] itself
      def start
        @thread = Thread.new do
          listen
          sleep(LOOK) until @gate.stale?
        end
        @thread.report_on_exception = false
        self
      end

      # @return [void]
      def stop
        @thread.kill
        @listener&.stop
      end

      private

      # It hears of nothing that lies elsewhere, nor of what has changed before it listened: the look is taken, too.
      def listen
        require "listen"
        @listener = ::Listen.to(@folder) { @gate.stale? }
        @listener.start
      rescue LoadError, StandardError # there is none, or none that can be had of the system
        nil
      end
    end
  end

  private_constant :Reload
end
