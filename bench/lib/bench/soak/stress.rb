# frozen_string_literal: true

module Bench
  module Soak
    # A hook, shareable, for every worker's boot: the first has the garbage collector work at every allocation. That is
    # one switch for the whole process, and would leave every ractor waiting for collections all the time; so it is on
    # in spells, and between two the others serve at full speed.
    module Stress
      # Seconds with and without.
      ON = 0.2
      OFF = 0.8

      # @param worker [Integer]
      def self.call(worker)
        Thread.new { alternate } if worker.zero?
      end

      # Goes on until its ractor ends.
      def self.alternate
        loop do
          GC.stress = true
          sleep ON
          GC.stress = false
          sleep OFF
        end
      ensure
        GC.stress = false
      end
      private_class_method :alternate
    end
  end
end
