# frozen_string_literal: true

require_relative "../rack/body"
require_relative "../rack/callbacks"
require_relative "../rack/failure"
require_relative "task"

module Kino
  # One thread's loop: takes a request, calls the app, sends its answer. Nothing that the app does ends it, but for
  # ending the thread itself; then it answers first, and its worker starts another.
  #
  # @api private
  class WorkerThread
    # @param native [Native::WorkerThread] the engine's end
    # @param app [#call] a Rack app
    # @param failure [Failure] what becomes of errors
    def initialize(native, app, failure)
      @native = native
      @app = app
      @failure = failure
      @callbacks = Callbacks.new(failure) { @dismissed }
      @left = {}
      @dismissed = false
    end

    # Serves until there will be no more requests. Its thread begins closed to interrupts ({Task}), and is open to
    # them in the loop alone: what strikes there, wherever it does, comes out of the loop to where nothing can.
    #
    # @return [true]
    def run
      given = nil
      @native.enter
      begin
        Thread.handle_interrupt(Task::OPEN) do
          while (given = @native.take)
            given.instance_of?(Hash) ? serve(given) : call_back(*given)
            given = nil
          end
        end
      rescue Exception => error # raised into this thread by another, outside of the app
        fail(given.is_a?(Hash) ? given : nil, error)
        retry
      end
      true
    ensure
      give_up(given) if @native.open?
      @native.leave
      @left.keys.each { |number| call_back(number, false) }
    end

    # Its thread is going to be killed, which is no fault of the app.
    #
    # @return [void]
    def dismiss = @dismissed = true

    private

    # The way that nearly all requests take calls no method that it can do without.
    def serve(env)
      status = headers = body = error = rest = nil
      status, headers, body = @app.call(env)
      rest = if body.instance_of?(Array) && headers.is_a?(Hash)
               @native.answer(status, headers, body)
             else
               Body.send(@native, env, status, hash(headers), body)
             end
      rest = Body.take_over(@native, env, status, headers, body) if rest == :hijack
      settled = true
    rescue Exception => error # a worker outlives all that an app may raise
      fail(env, error)
      settled = true
    ensure
      error = give_up(env) unless settled
      unless rest.nil? && body.instance_of?(Array) && (callbacks = env["rack.response_finished"]).is_a?(Array) &&
             callbacks.empty? && env["rack.after_reply"].equal?(callbacks)
        conclude(env, [status, headers], body, error, rest)
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

    # The answer is out, or on its way: nothing in here can change it. An app that goes on writing ends it itself.
    def conclude(env, answer, body, error, rest)
      if rest.is_a?(Integer) && @callbacks.any?(env)
        @left[rest] = [env, *answer]
        @callbacks.guard(env) { body.close } if closes?(body)
      elsif !(rest.is_a?(Stream) && rest.on_end { |failed| close(env, answer, body, failed) })
        close(env, answer, body, error)
      end
    end

    def close(env, answer, body, error)
      @callbacks.guard(env) { body.close } if closes?(body)
    ensure
      @callbacks.call(env, *answer, error)
    end

    def closes?(body) = !body.instance_of?(Array) && body.respond_to?(:close)

    # What the engine was left to send has been sent, or can't be any more.
    def call_back(number, sent)
      env, *answer = @left.delete(number)
      return unless env

      @callbacks.call(env, *answer, sent ? nil : ClientDisconnected.new("the client left before the answer was out"))
    end

    # The thread is being ended in the middle of the app: unless the server does that, the client hears of it.
    def give_up(env)
      error = Failure.thread_ended
      fail(env, error) unless @dismissed
      error
    end
  end
end
