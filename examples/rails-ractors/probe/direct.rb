# frozen_string_literal: true

require "stringio"
require "timeout"
require_relative "cases"
require_relative "finding"

module RactorProbe
  # Asks an app of the same process, in the ractor that it is called in.
  module Direct
    class << self
      # @param app [#call]
      # @param limit [Numeric] seconds that an answer may take
      # @return [Array(Hash, Hash)] answers by their cases' names, see {Cases.answers}; and what the app has raised, by
      #   the same, see {Finding}
      def answers(app, limit)
        errors = {}
        answers = Cases.answers do |name, verb, target, headers, body|
          env = env(verb, target, headers, body.to_s)
          Timeout.timeout(limit) { call(app, env) }
        ensure
          error = $! || env["action_dispatch.exception"]
          errors[name] ||= Finding.tell(name, error) if error
        end
        [answers, errors]
      end

      private

      def call(app, env)
        status, headers, body = app.call(env)
        text = body.enum_for(:each).to_a.join
        [status, headers, headers["transfer-encoding"] == "chunked" ? joined(StringIO.new(text)) : text]
      ensure
        body.close if body.respond_to?(:close)
      end

      # Rails before 8 gives chunks itself, where it streams a view.
      def joined(chunks)
        text = +""
        while (size = chunks.gets.to_s.hex).positive?
          text << chunks.read(size)
          chunks.gets
        end
        text
      end

      # As a server makes it, of a request from this machine.
      def env(verb, target, headers, body)
        path, query = target.split("?")
        env = { "REQUEST_METHOD" => verb, "SCRIPT_NAME" => "", "PATH_INFO" => +path, "QUERY_STRING" => query.to_s,
                "SERVER_NAME" => "localhost", "SERVER_PORT" => "9292", "SERVER_PROTOCOL" => "HTTP/1.1",
                "HTTP_HOST" => "localhost:9292", "REMOTE_ADDR" => "127.0.0.1", "rack.url_scheme" => "http",
                "rack.errors" => $stderr, "rack.input" => StringIO.new(body.b), "CONTENT_LENGTH" => body.bytesize.to_s,
                "CONTENT_TYPE" => headers["content-type"] }
        headers.except("content-type").each { |name, value| env["HTTP_#{name.upcase.tr("-", "_")}"] = value }
        env.compact
      end
    end
  end
end
