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
        @thread = Thread.new { listen || look }
        @thread.report_on_exception = false
        self
      end

      # @return [void]
      def stop
        @listener&.stop
        @thread.kill
      end

      private

      def listen
        require "listen"
        @listener = ::Listen.to(@folder) { @gate.stale? }
        @listener.start
        # What it has not heard of is what has changed before it listened, and what lies elsewhere.
        look
      rescue LoadError
        nil
      end

      def look
        sleep(LOOK) until @gate.stale?
        true
      end
    end
  end
end
