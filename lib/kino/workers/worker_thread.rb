# frozen_string_literal: true

require_relative "../rack/body"
require_relative "../rack/callbacks"
require_relative "../rack/failure"
require_relative "../rack/sockets"
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
    def serve_all
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
        unanswered&.then { |request| give_up(request, $! || Failure.thread_ended("between two requests")) }
        @left.keys.each { |number| call_back(number, false) }
      end
      @native.leave
    end

    # @return [Integer, nil] the number that the engine knows it by, while it serves
    def number = @native.number

    # Has it serve no further request, and end.
    #
    # @return [void]
    def quarantine = @native.quarantine

    # @return [Hash, nil] the env of the request that it has taken last
    def env = @native.last_request&.then { |request| Native::Exchange.env(request) }

    # Its thread is going to be killed, which is no fault of the app.
    #
    # @return [void]
    def dismiss = @dismissed = true

    private

    # The request that its answer was not given to, if there is one: struck where it was taken, its env may be lost.
    def unanswered = @native.last_request&.then { |request| request if Native::Exchange.served?(request) }

    # The way that nearly all requests take calls no method that it can do without.
    def serve(env)
      request = env["kino.request"]
      status = headers = body = error = rest = nil
      status, headers, body = @app.call(env)
      returned = true
      rest = if body.instance_of?(Array) && headers.is_a?(Hash)
               Native::Exchange.answer(request, status, headers, body)
             elsif !Native::Exchange.hijacked?(request) # whose answer is not looked at
               Body.deliver(request, env, status, headers = hash_of(headers), body)
             end
      rest = Body.take_over(request, env, status, headers, body) if rest == :hijack
      settled = true
    rescue Exception => error # a worker outlives all that an app may raise
      unless @native.ours?
        # A child that the app has forked leaves by what it has raised; what it returns is its parent's to answer.
        status ? return : raise
      end
      hang_up(request) unless returned
      break_down(request, error) do |*other|
        status, headers, rest = other unless other.empty?
        settled = true
      end
    ensure
      if settled || @native.ours?
        begin
          unless settled
            hang_up(request) unless returned || @dismissed
            error = $! || Failure.thread_ended(returned ? "while its answer was sent" : "in the app's call")
            give_up(request, error) { |*other| status, headers, rest = other unless other.empty? }
          end
        ensure # a hook may end the thread, too
          unless rest.nil? && body.instance_of?(Array) && (finished = env["rack.response_finished"]).is_a?(Array) &&
                 finished.empty? && (replies = env["rack.after_reply"]).is_a?(Array) && replies.empty?
            conclude(env, [status, headers], body, error, rest)
          end
        end
      end
    end

    # Anything with `each` will do where a Hash is meant, as it does with Puma. One that has a name twice means both.
    def hash_of(headers)
      return headers if headers.is_a?(Hash)
      unless headers.respond_to?(:each)
        raise ResponseError, "the app's headers are #{headers.inspect}; allowed is a Hash"
      end

      {}.tap do |hash|
        headers.each { |name, value| hash[name] = hash.key?(name) ? [*hash[name], *value] : value }
      end
    end

    # Answers first, and logs after: whoever reads the log, or doesn't, is no concern of the client's. Yields in
    # between: status and headers of another answer than the app's, and what is left of it to send, see {Body.deliver};
    # nothing where there was none.
    def break_down(request, error)
      errors = error.is_a?(ClientDisconnected) || error.is_a?(ClientError) ? [] : [error]
      answer = settle(request, error, errors) if request && Native::Exchange.served?(request)
      yield(*answer) if block_given?
    ensure
      env = request && Native::Exchange.env(request)
      errors.each { |one| @failure.log(env, one) }
      tell_overdue(env)
    end

    # Its client may have got a 504 meanwhile. Where nobody has found it at that, such as while all of Ruby stood
    # still, this is who still knows what was asked.
    def tell_overdue(env)
      request, timeout = @native.overdue
      @failure.tell(env, Failure.timed_out(request, timeout)) if request
    end

    # An app that has taken the socket and then raises says nothing more to its client, who would wait for ever.
    def hang_up(request) = (Sockets.hang_up(request.call) if Native::Exchange.hijacked?(request))

    # A client that has been sent nothing yet gets a 500, or what it has deserved; any other sees that its answer is not
    # whole.
    def settle(request, error, errors)
      return Native::Exchange.abort(request) unless unsent?(request)

      begin
        respond(request, @failure.answer(Native::Exchange.env(request), error) { |other| errors << other })
      rescue ClientDisconnected
        raise
      rescue Exception => other # the handler's answer can't be sent
        errors << other
        unsent?(request) ? respond(request, @failure.plain) : Native::Exchange.abort(request)
      end
    rescue ClientDisconnected
      nil
    end

    def unsent?(request) = Native::Exchange.retract(request) || Native::Exchange.open?(request)

    def respond(request, answer)
      status, headers, parts = answer
      [status, headers, Native::Exchange.answer(request, status, headers, parts)]
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

    # One whose `to_ary` has closed it, as Rack's SPEC says, may say so.
    def closes?(body)
      !body.instance_of?(Array) && body.respond_to?(:close) && !(body.respond_to?(:closed?) && body.closed?)
    end

    # What the engine was left to send has been sent, or can't be any more.
    def call_back(number, sent)
      env, *answer, error = @left.delete(number)
      return unless env

      error = ClientDisconnected.new("the client left before the answer was out") unless sent
      @callbacks.call(env, *answer, error)
    end

    # The thread is being ended in the middle of the app, or has been raised in anew: unless the server does that, the
    # client hears of it.
    def give_up(request, error, &) = (break_down(request, error, &) unless @dismissed)
  end

  private_constant :WorkerThread
end
