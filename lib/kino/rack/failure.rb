# frozen_string_literal: true

module Kino
  # What becomes of an error in the app: a line in `rack.errors` for whoever runs it, a plain 500 for the client.
  #
  # @api private
  class Failure
    # What a client is told of a thread that was ended in the middle of the app.
    #
    # @return [ThreadError]
    def self.thread_ended
      error = ThreadError.new("the thread that served it was ended (Thread.exit, Thread#kill); another takes its place")
      error.set_backtrace([])
      error
    end

    # @param environment [String] in `"development"` the client is told what was raised
    # @param errors [IO] for errors that no request's `rack.errors` can take
    def initialize(environment, errors)
      @tells = environment == "development"
      @errors = errors
    end

    # Writes the error with its backtrace. Standard error may be a pipe that nobody reads: so that is left to the log's
    # thread, and no worker waits for it.
    #
    # @param env [Hash, nil] the request's
    # @param error [Exception]
    # @return [void]
    def log(env, error)
      text = report(env, error)
      errors = env&.fetch("rack.errors", nil) || @errors
      errors.write(text) unless errors.equal?($stderr) && errors.fileno == 2 && Native.log(text)
    rescue Exception # an app may put anything there; it costs no worker
      @errors.write(text || "kino: an error could not be described: #{error.class}\n")
    end

    # @param error [Exception]
    # @return [Array] a Rack response
    def answer(error)
      return refusal(error) if error.is_a?(ClientError)

      text = "Internal Server Error\n"
      text += "\n#{describe(error)}" if @tells
      [500, { "content-type" => "text/plain; charset=utf-8" }, [text]]
    end

    private

    def refusal(error)
      [error.status, { "content-type" => "text/plain; charset=utf-8", "connection" => "close" }, ["#{error.message}\n"]]
    end

    def report(env, error)
      request = env ? " (#{env["REQUEST_METHOD"]} #{env["PATH_INFO"]})" : ""
      "kino: an error in the app#{request}: #{describe(error)}"
    end

    def describe(error) = error.full_message(highlight: false, order: :top).scrub.chomp << "\n"
  end
end
