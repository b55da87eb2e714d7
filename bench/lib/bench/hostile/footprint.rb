# frozen_string_literal: true

require_relative "../problem"

module Bench
  module Hostile
    # What the server holds: what a scene leaves behind is the difference of two.
    #
    # @!attribute descriptors [Integer] open ones
    # @!attribute pss_kib [Integer]
    class Footprint < Data.define(:descriptors, :pss_kib)
      # What the allocator may keep for the next such scene.
      MARGIN_KIB = 10 * 1024
      # Seconds after a scene until the first look, and until the last.
      MOMENT = 0.5
      REST = 5

      # @param tree [ProcessTree]
      # @return [Footprint]
      def self.of(tree)
        new(descriptors: descriptors(tree), pss_kib: tree.pss_kib)
      end

      # @param tree [ProcessTree]
      # @return [Integer]
      def self.descriptors(tree)
        tree.pids.sum { |pid| Dir.children("/proc/#{pid}/fd").size }
      end

      # Looks again until nothing is left behind, or REST is over: what is freed need not be given back at once.
      # @param tree [ProcessTree]
      # @param before [Footprint]
      # @return [Footprint]
      def self.after(tree, before)
        until_then = Bench.now + REST
        loop do
          sleep MOMENT
          footprint = of(tree)
          return footprint if footprint.back_to?(before) || Bench.now > until_then
        end
      end

      # @param before [Footprint]
      # @return [Boolean]
      def back_to?(before)
        descriptors == before.descriptors && pss_kib - before.pss_kib <= MARGIN_KIB
      end
    end
  end
end
