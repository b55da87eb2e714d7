# frozen_string_literal: true

module Kino
  # What an app wants to be called once its answer is out: `rack.response_finished`, and `rack.after_reply`, which apps
  # of Puma's know. Both begin as one and the same list. Last registered, first called; none can keep another from being
  # called, nor change the answer.
  #
  # @api private
  class Callbacks
    KEYS = %w[rack.response_finished rack.after_reply].freeze
    private_constant :KEYS

    # @param failure [Failure] what becomes of their errors
    # @yieldreturn [Boolean] whether the thread is being ended by the server itself
    def initialize(failure, &dismissed)
      @failure = failure
      @dismissed = dismissed
    end

    # @param env [Hash] the request's
    # @return [Boolean] whether there is anything to call
    def any?(env) = lists(env).any? { |list| !list.empty? }

    # @param env [Hash] the request's
    # @param status [Integer, nil] of the app's answer; nil when it has raised
    # @param headers [Hash, nil]
    # @param error [Exception, nil] why the answer is not whole
    # @return [void]
    def call(env, status, headers, error)
      lists(env).each do |list|
        list.reverse_each { |callback| guard(env) { tell(callback, env, status, headers, error) } }
      end
    end

    # Does what can't change the answer any more.
    #
    # @param env [Hash] the request's
    # @yield
    # @return [void]
    def guard(env)
      yield
      settled = true
    rescue Exception => error # whatever it is, others have their turn
      @failure.log(env, error)
      settled = true
    ensure
      @failure.log(env, Failure.thread_ended) unless settled || @dismissed.call
    end

    private

    def lists(env)
      KEYS.filter_map { |key| env[key] }.uniq(&:object_id)
    end

    # Puma calls those of `rack.after_reply` with nothing.
    def tell(callback, *told)
      arity = callback.respond_to?(:arity) ? callback.arity : callback.method(:call).arity
      arity.zero? ? callback.call : callback.call(*told)
    end
  end
end
