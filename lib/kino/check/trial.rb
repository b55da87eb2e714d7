# frozen_string_literal: true

require "stringio"
require_relative "../version"
require_relative "../workers/ractors"
require_relative "parser/source"

module Kino
  module Check
    # What the app is asked for in the trial.
    #
    # @api private
    # @!attribute [r] verb
    #   @return [String] `"GET"`
    # @!attribute [r] path
    #   @return [String] `"/items"`
    # @!attribute [r] query
    #   @return [String] `"page=2"`; empty where there is none
    Request = Data.define(:verb, :path, :query) do
      # @param text [String] a method and a target
      # @return [Request]
      # @raise [ArgumentError] for anything else
      # @example
      #   Kino::Check::Request.parse("GET /items?page=2").path # => "/items"
      def self.parse(text)
        match = %r{\A([A-Z]+) (/[^\s?#]*)(?:\?([^\s#]*))?\z}.match(text.to_s)
        unless match
          raise ArgumentError, "given #{text.inspect}, allowed: a method and a path, with a query or without; " \
                               'write "GET /"'
        end

        new(*[match[1], match[2], match[3].to_s].map(&:freeze))
      end

      # @return [String] as it was written
      def to_s = "#{verb} #{path}#{"?#{query}" unless query.empty?}"
    end

    # The proof: the app, called once in a ractor.
    #
    # @!attribute [r] request
    #   @return [String] what it was asked: `"GET /"`
    # @!attribute [r] outcome
    #   @return [Symbol] `:answered`, `:raised`, `:silent` (no answer in time) or `:skipped` (there are findings)
    # @!attribute [r] status
    #   @return [Integer, nil] what it answered
    # @!attribute [r] exception
    #   @return [Hash{Symbol => String, nil}, nil] of what it raised: `:class`, `:message` and `:where`, file:line in
    #     the app's own code
    Trial = Data.define(:request, :outcome, :status, :exception) do
      class << self
        # @api private
        # @param app [#call] a shareable one
        # @param request [Request]
        # @param limit [Numeric] seconds to wait at most
        # @return [Trial]
        def run(app, request, limit: 30)
          status, error, message, frames = result(app, request, limit)
          return new(request.to_s, status, nil, nil) if status == :silent
          return new(request.to_s, :answered, status, nil) if status

          new(request.to_s, :raised, nil, { class: error, message: message, where: place(frames.to_a) })
        end

        # @api private
        # @param request [Request]
        # @return [Trial] one that wasn't made
        def skip(request) = new(request.to_s, :skipped, nil, nil)

        private

        # A ractor can't be ended from outside: one that doesn't answer is left behind.
        def result(app, request, limit)
          ractor = Ractors.start(app, request) { |*given| TrialCall.new(*given).result }
          thread = Thread.new { Ractors.value(ractor) }
          thread.report_on_exception = false
          return :silent unless thread.join(limit)

          thread.value || [nil, "ThreadError", "the app ended the thread that called it (Thread.exit)", nil]
        rescue Ractor::RemoteError => error
          [nil, error.cause.class.name, error.cause.message, error.cause.backtrace]
        end

        def place(frames)
          frame = frames.find { |one| Files.own?(one[/\A(.+?):\d+/, 1]) } || frames.first
          frame&.[](/\A.+?:\d+/)&.delete_prefix("#{Dir.pwd}/")
        end
      end

      # @return [Boolean] whether the app answered, and with no error of its own
      def passed? = outcome == :answered && status < 500

      # @return [Hash{Symbol => Object}] for JSON
      def to_h = super.merge(outcome: outcome.to_s)
    end

    # One request, within the ractor of a trial.
    #
    # @api private
    class TrialCall
      # @param app [#call]
      # @param request [Request]
      def initialize(app, request)
        @app = app
        @request = request
      end

      # @return [Array(Integer), Array(nil, String, String, Array<String>)] the status; or class, message and backtrace
      #   of what was raised
      def result
        $stdout = $stderr # standard output is the report's alone
        status, _headers, body = @app.call(env)
        exhaust(body)
        [Integer(status)]
      rescue Exception => error # whatever the app raises is the result
        [nil, error.class.name, message(error), error.backtrace]
      end

      private

      # As a server does with the answer.
      def exhaust(body)
        if body.respond_to?(:each) then body.each(&:itself)
        else body.call(StringIO.new(+""))
        end
      ensure
        body.close if body.respond_to?(:close)
      end

      def message(error)
        error.message
      rescue StandardError
        "(its message can't be told)"
      end

      # As Kino's of a request from this machine, without a body.
      def env
        uri = "#{@request.path}#{"?#{@request.query}" unless @request.query.empty?}"
        { "REQUEST_METHOD" => @request.verb, "SCRIPT_NAME" => "", "PATH_INFO" => +@request.path,
          "QUERY_STRING" => @request.query, "REQUEST_URI" => uri, "REQUEST_PATH" => @request.path,
          "SERVER_NAME" => "localhost", "SERVER_PORT" => "9292", "SERVER_PROTOCOL" => "HTTP/1.1",
          "SERVER_SOFTWARE" => "Kino #{VERSION}", "HTTP_HOST" => "localhost:9292", "REMOTE_ADDR" => "127.0.0.1",
          "rack.url_scheme" => "http", "rack.errors" => $stderr, "rack.input" => StringIO.new(String.new),
          "rack.response_finished" => [] }
      end
    end
  end
end
