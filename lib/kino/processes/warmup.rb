# frozen_string_literal: true

module Kino
  # What `on_warmup` is called with: sends requests through the app, before it serves and is forked.
  #
  # @example kino.rb
  #   on_warmup { |app| app.get("/login") }
  class Warmup
    # @api private
    # @param app [#call] a Rack app
    # @param configuration [Configuration]
    # @return [void]
    def self.run(app, configuration)
      warmup = new(app)
      configuration.on_warmup.each { |hook| hook.call(warmup) }
    end

    # @api private
    # @param app [#call] a Rack app
    def initialize(app) = @app = app

    # Sends a GET request through the app.
    #
    # @param path [String] path and query
    # @param headers [Hash{String => String}] header fields, by their names as a client sends them
    # @return [Integer] the answer's status
    # @raise [Exception] what the app has raised
    def get(path, headers = {}) = request("GET", path, headers)

    # Sends any request without a body through the app.
    #
    # @param method [String] such as `"HEAD"`
    # @param path [String] path and query
    # @param headers [Hash{String => String}] header fields
    # @return [Integer] the answer's status
    # @raise [Exception] what the app has raised
    def request(method, path, headers = {})
      require "rack/mock_request"
      fields = headers.transform_keys { |name| key(name) }
      url = path.start_with?("/") ? "http://localhost#{path}" : path
      status, _, body = @app.call(Rack::MockRequest.env_for(url, method: method, **fields))
      body.respond_to?(:each) && body.each { |part| read(part) }
      status.to_i
    ensure
      body.close if body.respond_to?(:close)
    end

    private

    # As a client would take it.
    def read(part) = part

    def key(name)
      key = name.upcase.tr("-", "_")
      %w[CONTENT_TYPE CONTENT_LENGTH].include?(key) ? key : "HTTP_#{key}"
    end
  end
end
