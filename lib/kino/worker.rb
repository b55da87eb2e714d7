# frozen_string_literal: true

require_relative "body"
require_relative "failure"

module Kino
  # One thread's loop: takes a request, calls the app, sends its answer. Nothing that the app does ends it, but for ending
  # the thread itself; then it answers first, and its dispatcher starts another.
  #
  # @api private
  class Worker
    # @param native [Native::Worker] the engine's end
    # @param app [#call] a Rack app
    # @param failure [Failure] what becomes of errors
    def initialize(native, app, failure)
      @native = native
      @app = app
      @failure = failure
    end

    # Serves until there will be no more requests.
    #
    # @return [true]
    def run
      env = nil
      @native.enter
      while (env = take)
        serve(env)
      end
      true
    ensure
      # Only when the thread is being ended is there still one.
      give_up(env) if @native.open? || @native.sending?
      @native.leave
    end

    private

    def take
      @native.take
    rescue Exception => error # rubocop:disable Lint/RescueException -- raised into this thread by another, too late
      @failure.log(nil, error)
      retry
    end

    def serve(env)
      status = headers = body = nil
      status, headers, body = @app.call(env)
      if body.instance_of?(Array) && headers.is_a?(Hash)
        @native.answer(status, headers, body)
      else
        closes = true
        closes = Body.send(@native, env, status, hash(headers), body)
      end
      close(env, body) if closes
      finish(env, status, headers, nil)
    rescue Exception => error # rubocop:disable Lint/RescueException -- a worker outlives all that an app may raise
      fail(env, error)
      close(env, body) if closes.nil? ? body.respond_to?(:close) : closes
      finish(env, status, headers, error)
    end

    # Anything with `each` will do where a Hash is meant, as it does with Puma.
    def hash(headers)
      return headers if headers.is_a?(Hash)
      raise ResponseError, "the app's headers are #{headers.inspect}; allowed is a Hash" unless headers.respond_to?(:each)

      {}.tap { |hash| headers.each { |name, value| hash[name] = value } }
    end

    def fail(env, error)
      @failure.log(env, error) unless error.is_a?(ClientDisconnected)
      return @native.abort unless @native.retract || @native.open?

      @native.answer(*@failure.answer(error))
    rescue ClientDisconnected
      nil
    end

    def close(env, body)
      body.close if body.respond_to?(:close)
    rescue Exception => error # rubocop:disable Lint/RescueException -- as above; the answer is out already
      @failure.log(env, error)
    end

    # `rack.response_finished`: last registered, first called; none can keep another from being called.
    def finish(env, status, headers, error)
      callbacks = env["rack.response_finished"]
      return if callbacks.nil? || callbacks.empty?

      callbacks.reverse_each do |callback|
        callback.call(env, status, headers, error)
      rescue Exception => raised # rubocop:disable Lint/RescueException -- as above
        @failure.log(env, raised)
      end
    end

    def give_up(env)
      error = ThreadError.new("the app ended its thread (Thread.exit or Thread#kill); another one takes its place")
      fail(env, error)
      finish(env, nil, nil, error)
    end
  end
end
