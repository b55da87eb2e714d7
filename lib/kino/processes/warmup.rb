# frozen_string_literal: true

module Kino
  # What `on_warmup` is called with: sends requests through the app, before it serves and is forked.
  #
  # @example kino.rb
  #   on_warmup { |app| app.get("/login") }
  class Warmup
    # Statuses below 400 of what is sent elsewhere before the app itself is asked.
    COLD = [301, 308].freeze
    private_constant :COLD

    # @api private
    # @param app [#call] a Rack app
    # @param configuration [Configuration]
    # @return [String, nil] what to say of requests that have warmed nothing up; nil where there are none
    def self.run(app, configuration)
      warmup = new(app)
      configuration.on_warmup.each { |hook| hook.call(warmup) }
      warmup.warning
    end

    # @api private
    # @param app [#call] a Rack app
    def initialize(app)
      @app = app
      @cold = {}
    end

    # Sends a GET request through the app. It comes as from behind a proxy that has taken TLS off, and asks for
    # localhost, or for the first of the hosts that Rails is to take, unless a `Host` field says otherwise.
    #
    # @param path [String] path and query, or a URL
    # @param headers [Hash{String => String}] header fields, by their names as a client sends them
    # @return [Integer] the answer's status
    # @raise [Exception] what the app has raised
    def get(path, headers = {}) = request("GET", path, headers)

    # Sends any request without a body through the app.
    #
    # @param method [String] such as `"HEAD"`
    # @param path [String] path and query, or a URL
    # @param headers [Hash{String => String}] header fields
    # @return [Integer] the answer's status
    # @raise [Exception] what the app has raised
    def request(method, path, headers = {})
      status, _, body = @app.call(env(method, path, headers))
      body.respond_to?(:each) && body.each { |part| read(part) }
      note(method, path, status.to_i)
    ensure
      body.close if body.respond_to?(:close)
    end

    # @api private
    # @return [String, nil]
    def warning
      return if @cold.empty?

      answers = @cold.map { |request, status| "#{request} with #{status}" }
      "the app has answered what on_warmup asked for as it answers what it refuses (#{answers.join(", ")}), so " \
        "little of it has been warmed up; write paths that it serves, and the host that it wants: " \
        'app.get("/login", "Host" => "example.com")'
    end

    private

    # Rails in production sends whoever comes without TLS elsewhere, and a request without a host is refused.
    def env(method, path, headers)
      require "rack/mock_request"
      require "rack/request"
      url = path.start_with?("/") ? "https://#{host}#{path}" : path
      env = Rack::MockRequest.env_for(url, method: method, **headers.transform_keys { |name| key(name) })
      env["HTTP_HOST"] ||= authority(env)
      env
    end

    # As a client names it: without a port that goes without saying.
    def authority(env)
      name, port = env.values_at("SERVER_NAME", "SERVER_PORT")
      Rack::Request::DEFAULT_PORTS[env["rack.url_scheme"]] == port.to_i ? name : "#{name}:#{port}"
    end

    def host
      hosts = defined?(::Rails.application.config.hosts) ? ::Rails.application.config.hosts : []
      hosts.grep(String).first&.delete_prefix(".") || "localhost"
    end

    # @return [Integer] the status
    def note(method, path, status)
      @cold["#{method} #{path}"] = status if status >= 400 || COLD.include?(status)
      status
    end

    # As a client would take it.
    def read(part) = part

    def key(name)
      key = name.upcase.tr("-", "_")
      %w[CONTENT_TYPE CONTENT_LENGTH].include?(key) ? key : "HTTP_#{key}"
    end
  end
end
