# frozen_string_literal: true

require_relative "callable"
require_relative "description"

module Kino
  # What becomes of an error in the app: an answer for the client, `lowlevel_error_handler`'s, the page that there is in
  # development, or a plain 500; then a line in `rack.errors` for whoever runs it, and `on_error`. Whatever these raise
  # costs neither the answer nor the worker.
  #
  # @api private
  class Failure
    # Bytes that whatever says that it can be written to takes without making anybody wait (PIPE_BUF of POSIX).
    AT_ONCE = 512
    # What ends a line of several that the log has as one, where a logger takes them.
    LINE_END = "\x1f"
    private_constant :AT_ONCE

    # What is told of a thread that was ended in the middle of the app.
    #
    # @param where [String] what it was doing, such as `"in the app's call"`
    # @return [ThreadError]
    def self.thread_ended(where)
      error = ThreadError.new("the thread that served it was ended #{where} (Thread.exit, Thread#kill); another " \
                              "takes its place")
      error.set_backtrace([])
      error
    end

    # What is told of a request whose client has got a 504 in the app's place.
    #
    # @param request [String] method and path
    # @param timeout [Numeric] `request_timeout`
    # @return [RequestTimeoutError]
    def self.timed_out(request, timeout)
      error = RequestTimeoutError.new(format("the app has not begun to answer %s within %g s (request_timeout); its " \
                                             "client got a 504", request, timeout))
      error.set_backtrace([])
      error
    end

    # @param errors [IO] for errors that no request's `rack.errors` can take
    # @param handler [#call, nil] makes the answer of error, env and status, see `lowlevel_error_handler`
    # @param page [ErrorPage, nil] what those see who are at work on the app
    # @param on_error [Array<#call>] called with error and env
    # @param form [Symbol] how standard error has them: `:text`, `:json`, or `:logger` for one that reads it
    def initialize(errors, handler: nil, page: nil, on_error: [], form: :text)
      @errors = errors
      @handler = handler
      @page = page
      @on_error = on_error
      @form = form
    end

    # Writes the error with its backtrace, and tells `on_error` of it. Nothing that goes wrong here is raised: what
    # finds no reader is counted (`log_dropped`).
    #
    # @param env [Hash, nil] the request's
    # @param error [Exception]
    # @return [void]
    def log(env, error)
      write(env, error)
      tell(env, error)
    end

    # Tells `on_error` of it, and nobody else.
    #
    # @param env [Hash, nil] the request's
    # @param error [Exception]
    # @return [void]
    def tell(env, error)
      @on_error.each do |hook|
        Callable.call(hook, error, env)
      rescue Exception => other # the others have their turn, too
        write(env, of_hook(other))
      end
    end

    # @param env [Hash] the request's
    # @param error [Exception]
    # @yieldparam other [Exception] what `lowlevel_error_handler` has raised
    # @return [Array(Integer, Hash, Array<String>)] a Rack response: of the client's fault, the handler's, the page, or
    #   the plain one
    def answer(env, error, &)
      return refusal(error) if error.is_a?(ClientError)

      (@handler && handle(env, error, &)) || (@page && paged(env, error)) || plain
    end

    # @return [Array(Integer, Hash, Array<String>)] a Rack response that says nothing of the error
    def plain = [500, { "content-type" => "text/plain; charset=utf-8" }, ["Internal Server Error\n"]]

    private

    def refusal(error)
      [error.status, { "content-type" => "text/plain; charset=utf-8", "connection" => "close" }, ["#{error.message}\n"]]
    end

    # As a whole, so that what its body raises costs nothing that has been sent.
    def handle(env, error)
      status, headers, body = Callable.call(@handler, error, env, 500)
      raise ResponseError, "#{whose} headers are #{headers.inspect}; allowed is a Hash" unless headers.is_a?(Hash)
      if headers.key?("rack.hijack")
        raise ResponseError, "#{whose} headers have rack.hijack; allowed is an answer that Kino sends"
      end

      [status, headers, parts(body)]
    rescue Exception => other # the client still has an answer
      yield other
      nil
    end

    # The log tells of the error all the same.
    def paged(env, error)
      @page.answer(env, error)
    rescue Exception
      nil
    end

    # Not to be taken for the app's own.
    def of_hook(error)
      told = RuntimeError.new("on_error has raised: #{Description.brief(error)}")
      told.set_backtrace(error.backtrace)
      told
    end

    def whose = "in the answer of lowlevel_error_handler, the"

    def parts(body)
      return body if body.is_a?(Array)
      unless body.respond_to?(:each)
        raise ResponseError, "#{whose} body is #{body.inspect}; allowed is an Array of Strings, or an object with each"
      end

      begin
        [].tap { |parts| body.each { |part| parts << part } }
      ensure
        body.close if body.respond_to?(:close)
      end
    end

    def write(env, error)
      errors = env&.fetch("rack.errors", nil) || @errors
      text = errors.equal?($stderr) ? formed(env, error) : Description.report(env, error)
      report(errors, text)
    rescue Exception # an app may put anything there
      keep(text || "kino: an error could not be described: #{error.class}\n")
    end

    def formed(env, error)
      case @form
      when :json then Description.json(env, error)
      when :logger then "#{Description.report(env, error).chomp.tr("\n", LINE_END)}\n"
      else Description.report(env, error)
      end
    end

    # Standard error may be a pipe that nobody reads: so that is left to the log's thread, and no worker waits for it.
    def report(errors, text)
      return if errors.equal?($stderr) && errors.fileno == 2 && Native.log(text)

      errors.is_a?(IO) ? push(errors, text.b) : errors.write(text)
    end

    # A pipe that is full raises; it makes no worker wait.
    def push(io, bytes)
      0.step(bytes.bytesize - 1, AT_ONCE) do |at|
        raise IOError, "nobody reads it" unless io.wait_writable(0)

        io.write(bytes.byteslice(at, AT_ONCE))
        io.flush
      end
    end

    # Where `rack.errors` takes nothing, standard error has it; where that does not either, it is counted.
    def keep(text)
      Native.log(text) || @errors.write(text)
    rescue Exception
      Native.log_lost
    end
  end

  private_constant :Failure
end
