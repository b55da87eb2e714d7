# frozen_string_literal: true

require "stringio"
require_relative "finding"

module RactorProbe
  # What is asked for, and what has to be answered. Who asks a second time sends the first answer's ETag along.
  GETS = Ractor.make_shareable([["/", 200], ["/about", 200], ["/stream?lines=4&pause=0", 200], ["/nowhere", 404],
                                ["/about", 304]])

  # Whose variables are tried, and how each kind is read and set.
  CLASSES = /\A(?:Rails|Action\w+|Active\w+|AbstractController|Hello\w+)(?:::|\z)/
  VARIABLES = Ractor.make_shareable(
    { "class-level instance variables" => %i[instance_variable_get instance_variable_set @probe],
      "class variables" => %i[class_variable_get class_variable_set @@probe] }
  )

  # The steps as a worker ractor does them.
  module InRactor
    class << self
      # Sends all requests. An app that couldn't be handed over is looked for from here.
      def call(app)
        etags = {}
        GETS.flat_map do |path, wanted|
          Finding.guard("GET #{path}") { get(app || Rails.application, path, wanted, etags) }
        end
      end

      # Reads every variable; the first that can't be read stands for all.
      def read(kind, classes)
        getter, = VARIABLES.fetch(kind)
        tried = classes.flat_map do |name, mod, place|
          variables(kind, mod).map do |variable|
            found = Finding.guard("#{name}.#{variable}") { mod.public_send(getter, variable).then { [] } }
            found.map { |one| { **one, where: place } }
          end
        end
        failed = tried.flatten
        what = "read #{kind} (#{failed.size} of #{tried.size} can't be, such as #{failed.first&.fetch(:what)})"
        failed.first(1).map { |first| { **first, what: what } }
      end

      # Sets one that is new.
      def set(kind, _classes)
        _, setter, name = VARIABLES.fetch(kind)
        HelloController.public_send(setter, name, 1)
        []
      end

      private

      def get(app, path, wanted, etags)
        env = env(path, etags[path])
        status, headers, body = app.call(env)
        body.each(&:itself)
        body.close if body.respond_to?(:close)
        etags[path] = headers["etag"]
        return [{ what: "GET #{path}", status: status }] if status == wanted

        raise env["action_dispatch.exception"] || "answered #{status} instead of #{wanted}"
      end

      # As a server makes it, of a request from this machine.
      def env(path, etag)
        path, query = path.split("?")
        { "REQUEST_METHOD" => "GET", "SCRIPT_NAME" => "", "PATH_INFO" => path, "QUERY_STRING" => query.to_s,
          "SERVER_NAME" => "localhost", "SERVER_PORT" => "9292", "SERVER_PROTOCOL" => "HTTP/1.1",
          "HTTP_HOST" => "localhost:9292", "REMOTE_ADDR" => "127.0.0.1", "rack.url_scheme" => "http",
          "rack.errors" => $stderr, "rack.input" => StringIO.new(+""), "HTTP_IF_NONE_MATCH" => etag }.compact
      end

      # Without those of the class above.
      def variables(kind, mod)
        kind == "class variables" ? mod.class_variables(false) : mod.instance_variables
      end
    end
  end
end
