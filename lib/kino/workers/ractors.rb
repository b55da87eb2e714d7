# frozen_string_literal: true

module Kino
  # The one place that knows how ractors differ between Ruby 3.3 and 4.0.
  #
  # @api private
  module Ractors
    # Whether ractors of this Ruby run beside each other without getting in each other's way. Before 4.0 they contend
    # for locks of the VM: two of them serve less than one.
    PARALLEL = RUBY_VERSION >= "4.0"

    class << self
      # @return [Boolean] whether several ractors are worth it on this Ruby
      def parallel? = PARALLEL

      # Starts a ractor. That ractors are experimental is said once, not for each.
      #
      # @param args [Array<Object>] shareable objects, which the block gets
      # @param name [String, nil]
      # @yield in the new ractor
      # @return [Ractor]
      def start(*args, name: nil, &block)
        warns = Warning[:experimental]
        Warning[:experimental] = false if @has_warned
        @has_warned = true
        Ractor.new(*args, name: name, &block)
      ensure
        Warning[:experimental] = warns
      end

      # Waits for a ractor's end.
      #
      # @param ractor [Ractor]
      # @return [Object] what its block gave
      # @raise [Ractor::RemoteError] when it raised; its cause is the error
      def value(ractor) = ractor.respond_to?(:value) ? ractor.value : ractor.take

      # @yield whatever the proc is to do; it can use shareable variables of where it is written
      # @return [Proc] one that every ractor may call; `self` is nil in it from Ruby 4.0 on
      # @raise [Ractor::IsolationError, ArgumentError] when the block can't be shared: with 3.3 also when `self` can't
      def shareable_proc(&block)
        return Ractor.shareable_proc(&block) if Ractor.respond_to?(:shareable_proc)

        Ractor.make_shareable(block)
      end

      # @param callable [#call] a block that was written as a setting, or an object
      # @return [#call] one that every ractor may call
      # @raise [ConfigurationError] when it can't be shared
      def share(callable)
        return callable if Ractor.shareable?(callable)
        return shareable_proc(&callable) if callable.is_a?(Proc)

        raise ArgumentError, "#{callable.class} is not shareable"
      rescue Ractor::Error, ArgumentError => error
        place = callable.is_a?(Proc) ? callable.source_location.join(":") : callable.inspect
        raise ConfigurationError, "#{place}: this hook runs in every worker's ractor, and can't be shared between " \
                                  "ractors (#{error.message}); let it use constants and frozen values only, or write " \
                                  "a module with a method call"
      end
    end
  end

  private_constant :Ractors
end
