# frozen_string_literal: true

require_relative "body"
require_relative "failure"

module Kino
  # One thread's loop: takes a request, calls the app, sends its answer. Nothing that the app does ends it, but for
  # ending the thread itself; then it answers first, and its dispatcher starts another.
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
      @dismissed = false
    end

    # Serves until there will be no more requests.
    #
    # @return [true]
    def run
      @native.enter
      begin
        while (env = @native.take)
          serve(env)
        end
      rescue Exception => error # raised into this thread by another, too late
        @failure.log(nil, error)
        retry
      end
      true
    ensure
      @native.leave
    end

    # Its thread is going to be killed, which is no fault of the app.
    #
    # @return [void]
    def dismiss = @dismissed = true

    private

    # The way that nearly all requests take calls no method that it can do without.
    def serve(env)
      status = headers = body = error = nil
      status, headers, body = @app.call(env)
      if body.instance_of?(Array) && headers.is_a?(Hash)
        @native.answer(status, headers, body)
      else
        Body.send(@native, env, status, hash(headers), body)
      end
      settled = true
    rescue Exception => error # a worker outlives all that an app may raise
      fail(env, error)
      settled = true
    ensure
      error = give_up(env) unless settled
      unless body.instance_of?(Array) && (callbacks = env["rack.response_finished"]).is_a?(Array) && callbacks.empty?
        conclude(env, status, headers, body, error)
      end
    end

    # Anything with `each` will do where a Hash is meant, as it does with Puma.
    def hash(headers)
      return headers if headers.is_a?(Hash)
      unless headers.respond_to?(:each)
        raise ResponseError, "the app's headers are #{headers.inspect}; allowed is a Hash"
      end

      {}.tap { |hash| headers.each { |name, value| hash[name] = value } }
    end

    def fail(env, error)
      @failure.log(env, error) unless error.is_a?(ClientDisconnected) || error.is_a?(ClientError)
      settle(error)
    end

    # A client that has been sent nothing yet gets a 500, or what it has deserved; any other sees that its answer is not
    # whole.
    def settle(error)
      if @native.retract || @native.open?
        @native.answer(*@failure.answer(error))
      else
        @native.abort
      end
    rescue ClientDisconnected
      nil
    end

    # The answer is out: nothing in here can change it.
    def conclude(env, status, headers, body, error)
      guard(env) { body.close } if !body.instance_of?(Array) && body.respond_to?(:close)
    ensure
      call_back(env, status, headers, error)
    end

    # `rack.response_finished`: last registered, first called; none can keep another from being called.
    def call_back(env, status, headers, error)
      callbacks = env["rack.response_finished"]
      return if callbacks.nil? || callbacks.empty?

      callbacks.reverse_each { |callback| guard(env) { callback.call(env, status, headers, error) } }
    end

    def guard(env)
      yield
      settled = true
    rescue Exception => error # as above
      @failure.log(env, error)
      settled = true
    ensure
      give_up(env) unless settled
    end

    # The thread is being ended in the middle of the app: unless the server does that, the client hears of it.
    def give_up(env)
      error = ThreadError.new("the thread that served it was ended (Thread.exit, Thread#kill); another takes its place")
      error.set_backtrace([])
      fail(env, error) unless @dismissed
      error
    end
  end
end
