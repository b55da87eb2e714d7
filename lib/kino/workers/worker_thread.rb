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
      @native.enter
      begin
        Thread.handle_interrupt(Task::OPEN) do
          while (given = @native.take)
            given.instance_of?(Hash) ? serve(given) : call_back(*given)
          end
        end
      rescue Exception => error # raised into this thread by another, outside of the app
        raise unless @native.ours?

        break_down(unanswered, error)
        retry
      end
      true
    ensure
      if @native.ours?
        unanswered&.then { |request| give_up(request) }
        @left.keys.each { |number| call_back(number, false) }
      end
      @native.leave
    end

    # Its thread is going to be killed, which is no fault of the app.
    #
    # @return [void]
    def dismiss = @dismissed = true

    private

    # The request that its answer was not given to, if there is one: struck where it was taken, its env may be lost.
    def unanswered = @native.last_request&.then { |request| request if request.served? }

    # The way that nearly all requests take calls no method that it can do without.
    def serve(env)
      request = env["kino.request"]
      status = headers = body = error = rest = nil
      status, headers, body = @app.call(env)
      rest = if body.instance_of?(Array) && headers.is_a?(Hash)
               request.answer(status, headers, body)
             else
               Body.deliver(request, env, status, headers = hash_of(headers), body)
             end
      rest = Body.take_over(request, env, status, headers, body) if rest == :hijack
      settled = true
    rescue Exception => error # a worker outlives all that an app may raise
      unless @native.ours?
        # A child that the app has forked leaves by what it has raised; what it returns is its parent's to answer.
        status ? return : raise
      end
      break_down(request, error)
      settled = true
    ensure
      if settled || @native.ours?
        error = give_up(request) unless settled
        unless rest.nil? && body.instance_of?(Array) && (callbacks = env["rack.response_finished"]).is_a?(Array) &&
               callbacks.empty? && env["rack.after_reply"].equal?(callbacks)
          conclude(env, [status, headers], body, error, rest)
        end
      end
    end

    # Anything with `each` will do where a Hash is meant, as it does with Puma.
    def hash_of(headers)
      return headers if headers.is_a?(Hash)
      unless headers.respond_to?(:each)
        raise ResponseError, "the app's headers are #{headers.inspect}; allowed is a Hash"
      end

      {}.tap { |hash| headers.each { |name, value| hash[name] = value } }
    end

    def break_down(request, error)
      @failure.log(request&.env, error) unless error.is_a?(ClientDisconnected) || error.is_a?(ClientError)
      settle(request, error) if request&.served?
    end

    # A client that has been sent nothing yet gets a 500, or what it has deserved; any other sees that its answer is not
    # whole.
    def settle(request, error)
      if request.retract || request.open?
        request.answer(*@failure.answer(error))
      else
        request.abort
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

    # One whose `to_ary` has closed it, as Rack's SPEC says, may say so.
    def closes?(body)
      !body.instance_of?(Array) && body.respond_to?(:close) && !(body.respond_to?(:closed?) && body.closed?)
    end

    # What the engine was left to send has been sent, or can't be any more.
    def call_back(number, sent)
      env, *answer = @left.delete(number)
      return unless env

      @callbacks.call(env, *answer, sent ? nil : ClientDisconnected.new("the client left before the answer was out"))
    end

    # The thread is being ended in the middle of the app: unless the server does that, the client hears of it.
    def give_up(request)
      error = Failure.thread_ended
      break_down(request, error) unless @dismissed
      error
    end
  end
end
