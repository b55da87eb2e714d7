# frozen_string_literal: true

module Kino
  # What every error Kino raises on purpose descends from. Its message is written for the person who can mend it:
  # the command `kino` prints it as it stands, without a backtrace.
  class Error < StandardError; end

  # A setting has a value that can't be used, or a name that doesn't exist. The message says what was given, where
  # (a flag, an environment variable, a file and its line), what is allowed and what to write instead.
  class ConfigurationError < Error; end

  # An address can't be listened on: it is taken, not allowed, or not there.
  class BindError < Error; end

  # The app could not be loaded: its `config.ru` is missing, raised, or gave something that isn't a Rack app.
  # {Exception#cause} is the app's own error.
  class AppLoadError < Error; end

  # The app can't be shared between ractors, so `mode :ractor` can't run it. The message names what stands in the way.
  class UnshareableAppError < Error
    # @return [Array<Check::Finding>] everything that stands in the way
    attr_reader :findings

    # @param message [String]
    # @param findings [Array<Check::Finding>]
    def initialize(message = nil, findings: [])
      @findings = findings
      super(message)
    end
  end

  # A worker died while it booted, again and again: what `on_worker_boot` does can't succeed, so the server has ended.
  # {Exception#cause} is the last error, where it was raised in this ractor.
  class WorkerBootError < Error; end

  # The app had not begun to answer when `request_timeout` was over, so the client got a 504. It is never raised:
  # `on_error` is called with it. Its backtrace is where the app's thread is, empty where that can't be asked: in a
  # ractor, or when the app has gone on meanwhile. In a ractor that is still at it, its env can't be asked for, either.
  class RequestTimeoutError < Error; end

  # A worker counts as stuck (`stuck_timeout`). It is never raised: `on_error` is called with it, and its backtrace is
  # as that of {RequestTimeoutError}.
  class WorkerStuckError < Error; end

  # The app's answer can't be sent as it is: its status, a header, or a body that isn't as long as its content-length.
  # The message says what was given and what is allowed; the client gets a 500, or its connection closed.
  class ResponseError < Error; end

  # Raised inside an app that streams its answer to a client that has left, or reads a body that will never come.
  class ClientDisconnected < Error; end

  # What a client did wrong while the app read its body, which is handed over before it has come
  # (`stream_bodies`). An app that lets it pass has the client answered with {#status}; nothing is logged.
  class ClientError < Error
    # @return [Integer] the status that the client gets
    def status = 400
  end

  # The body stopped coming, or came too slowly: see `body_timeout` and `body_min_rate`.
  class ClientTimeout < ClientError
    # @return [Integer] 408
    def status = 408
  end

  # The body is larger than `max_body_size`.
  class BodyTooLargeError < ClientError
    # @return [Integer] 413
    def status = 413
  end

  # The body's chunks, or its trailers, are not well formed.
  class MalformedBodyError < ClientError; end
end
