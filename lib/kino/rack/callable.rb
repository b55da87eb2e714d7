# frozen_string_literal: true

module Kino
  # What apps give to be called, which may take less than there is to tell.
  #
  # @api private
  module Callable
    class << self
      # Calls with as many of the arguments as it takes.
      #
      # @param callable [#call]
      # @param arguments [Array<Object>]
      # @return [Object] what it returns
      def call(callable, *arguments) = callable.call(*arguments.first(most(callable) || arguments.size))

      # @param callable [#call]
      # @return [Integer] how many arguments it must have
      def least(callable) = parameters(callable).count { |kind,| kind == :req }

      private

      # nil for any number.
      def most(callable)
        kinds = parameters(callable).map(&:first)
        kinds.count { |kind| %i[req opt].include?(kind) } unless kinds.include?(:rest)
      end

      def parameters(callable)
        callable.respond_to?(:parameters) ? callable.parameters : callable.method(:call).parameters
      end
    end
  end

  private_constant :Callable
end
