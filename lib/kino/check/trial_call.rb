# frozen_string_literal: true

require "stringio"
require_relative "../version"

module Kino
  module Check
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
        if body.respond_to?(:each) then body.each { |part| part }
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
