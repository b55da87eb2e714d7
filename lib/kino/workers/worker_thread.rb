# frozen_string_literal: true

require_relative "../rack/body"
require_relative "../rack/callbacks"
require_relative "../rack/failure"

module Kino
  # One thread's loop: takes a request, calls the app, sends its answer. Nothing that the app does ends it, but for
  # ending the thread itself; then it answers first, and its dispatcher starts another.
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

    # Serves until there will be no more requests.
    #
    # @return [true]
    def run
      @native.enter
      begin
        while (given = @native.take)
          given.instance_of?(Hash) ? serve(given) : call_back(*given)
        end
      rescue Exception => error # raised into this thread by another, too late
        @failure.log(nil, error)
        retry
      end
      true
    ensure
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
               Body.send(@native, env, status, headers = hash(headers), body)
             end
      rest = Body.take_over(@native, env, status, headers, body) if rest == :hijack
      settled = true
    rescue Exception => error # a worker outlives all that an app may raise
      status, headers, rest = fail(env, error) || [status, headers]
      settled = true
    ensure
      unless settled
        error = $! || Failure.thread_ended(status ? "while its answer was sent" : "in the app's call")
        status, headers, rest = give_up(env, error) || [status, headers]
      end
      unless rest.nil? && body.instance_of?(Array) && (finished = env["rack.response_finished"]).is_a?(Array) &&
             finished.empty? && (replies = env["rack.after_reply"]).is_a?(Array) && replies.empty?
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

    # Answers first, and logs after: whoever reads the log, or doesn't, is no concern of the client's. Status and
    # headers of another answer than the app's, and what is left of it to send, see {Body.send}; nil where there was
    # none.
    def fail(env, error)
      errors = error.is_a?(ClientDisconnected) || error.is_a?(ClientError) ? [] : [error]
      settle(env, error, errors)
    ensure
      errors.each { |one| @failure.log(env, one) }
    end

    # A client that has been sent nothing yet gets a 500, or what it has deserved; any other sees that its answer is not
    # whole.
    def settle(env, error, errors)
      return @native.abort unless unsent?

      begin
        respond(@failure.answer(env, error) { |other| errors << other })
      rescue ClientDisconnected
        raise
      rescue Exception => other # the handler's answer can't be sent
        errors << other
        unsent? ? respond(@failure.plain(error)) : @native.abort
      end
    rescue ClientDisconnected
      nil
    end

    def unsent? = @native.retract || @native.open?

    def respond(answer)
      status, headers, parts = answer
      [status, headers, @native.answer(status, headers, parts)]
    end

    # The answer is out, or on its way: nothing in here can change it. An app that goes on writing ends it itself.
    def conclude(env, answer, body, error, rest)
      if rest.is_a?(Integer) && @callbacks.any?(env)
        @left[rest] = [env, *answer, error]
        @callbacks.guard(env, "in its body's close") { body.close } if closes?(body)
      elsif !(rest.is_a?(Stream) && rest.on_end { |failed| close(env, answer, body, failed) })
        close(env, answer, body, error)
      end
    end

    def close(env, answer, body, error)
      @callbacks.guard(env, "in its body's close") { body.close } if closes?(body)
    ensure
      @callbacks.call(env, *answer, error)
    end

    def closes?(body) = !body.instance_of?(Array) && body.respond_to?(:close)

    # What the engine was left to send has been sent, or can't be any more.
    def call_back(number, sent)
      env, *answer, error = @left.delete(number)
      return unless env

      error = ClientDisconnected.new("the client left before the answer was out") unless sent
      @callbacks.call(env, *answer, error)
    end

    # The thread is being ended in the middle of the app, or has been raised in anew: unless the server does that, the
    # client hears of it.
    def give_up(env, error) = (fail(env, error) unless @dismissed)
  end
end
