# frozen_string_literal: true

require_relative "callable"
require_relative "failure"

module Kino
  # What an app wants to be called once its answer is out: `rack.after_reply`, as with Puma the first registered first
  # and with nothing; then `rack.response_finished`, as Rack's SPEC has it the last registered first, and told what was
  # sent. None can keep another from being called, nor change the answer.
  #
  # @api private
  class Callbacks
    REPLY = "rack.after_reply"
    FINISHED = "rack.response_finished"
    private_constant :REPLY, :FINISHED

    # @param failure [Failure] what becomes of their errors
    # @yieldreturn [Boolean] whether the thread is being ended by the server itself
    def initialize(failure, &dismissed)
      @failure = failure
      @dismissed = dismissed
    end

    # @param env [Hash] the request's
    # @return [Boolean] whether there is anything to call
    def any?(env) = [REPLY, FINISHED].any? { |key| !list(env, key).empty? }

    # @param env [Hash] the request's
    # @param status [Integer, nil] that was sent; nil when nothing was
    # @param headers [Hash, nil] that were sent
    # @param error [Exception, nil] why the answer is not whole, or not the app's
    # @return [void]
    def call(env, status, headers, error)
      list(env, REPLY).each { |callback| guard(env, "in a callback") { callback.call } }
      list(env, FINISHED).reverse_each do |callback|
        guard(env, "in a callback") { Callable.call(callback, env, status, headers, error) }
      end
    end

    # Does what can't change the answer any more.
    #
    # @param env [Hash] the request's
    # @param where [String] what is done, for the log
    # @yield
    # @return [void]
    def guard(env, where)
      yield
      settled = true
    rescue Exception => error # whatever it is, others have their turn
      @failure.log(env, error)
      settled = true
    ensure
      @failure.log(env, Failure.thread_ended(where)) unless settled || @dismissed.call
    end

    private

    # An app may have put anything there, or taken it away.
    def list(env, key)
      list = env[key]
      list.respond_to?(:to_ary) ? list.to_ary : []
    end
  end

  private_constant :Callbacks
end
