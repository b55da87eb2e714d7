# frozen_string_literal: true

require "zlib"

# Whether Rails can be served from ractors, and what it takes.
module RactorProbe
  # What is asked of the app, one after the other: much of what spec/integration asks of Rails. A client is given a
  # method, a target, headers and a body, and gives status, headers and body.
  module Cases
    JSON = { "content-type" => "application/json" }.freeze
    FORM = { "content-type" => "application/x-www-form-urlencoded" }.freeze
    FILES = { "content-type" => "multipart/form-data; boundary=mark" }.freeze
    PARTS = [["name=\"file\"; filename=\"a.txt\"\r\ncontent-type: text/plain", "a" * 100_000],
             ["name=\"form[title]\"", "Zo\u00eb"]].freeze
    FILE = (PARTS.map { |head, body| "--mark\r\ncontent-disposition: form-data; #{head}\r\n\r\n#{body}\r\n" }.join +
            "--mark--\r\n").freeze
    # What one page has that no other has.
    TOKEN = /(?<=content="|value=")[\w-]{60,}(?===?"|")/

    # What the app is to fail at.
    FAILING = "500 page"

    # Each by its name: a request, or what is asked in several.
    ALL = {
      "page with layout, partial and form" => %w[GET /],
      "JSON" => %w[GET /about],
      "stream" => %w[GET /stream?lines=4],
      "view" => %w[GET /page],
      "streamed view" => %w[GET /streamed],
      "send_file" => %w[GET /report],
      "HEAD" => %w[HEAD /report],
      "send_data" => %w[GET /data],
      "fresh_when" => %w[GET /fresh?version=1],
      "304 by date" => ["GET", "/fresh?version=1", { "if-modified-since" => "Tue, 24 Nov 2026 12:00:00 GMT" }],
      "JSON params" => ["POST", "/sum", JSON, '{"numbers":[1,2,39]}'],
      "params that are no JSON" => ["POST", "/sum", JSON, "{"],
      "missing params" => ["POST", "/sum", JSON, "{}"],
      "upload" => ["POST", "/upload", FILES, FILE],
      "plain, signed and encrypted cookies" => %w[GET /jar],
      "escaped route parameter" => %w[GET /items/Zo%C3%AB%20%26%20co],
      "i18n, numbers, time zone" => %w[GET /local],
      "names, subdomains, CurrentAttributes" => %w[GET /places],
      "respond_to, XML" => %w[GET /xml.xml],
      "message verifier" => %w[GET /verified],
      "health check" => %w[GET /up],
      "rescue_from" => %w[GET /failing?kind=key],
      FAILING => %w[GET /failing],
      "404 page" => %w[GET /nowhere],
      "static file" => %w[GET /site.css],
      "ActionController::Live" => %w[GET /live/lines],
      "server-sent events" => %w[GET /live/events],
      "form without its token" => ["POST", "/greeting", FORM, "name=Mallory"],
      "form, session and flash" => :visit
    }.freeze

    class << self
      # @yield what the client does, given the case's name, method, target, headers and body
      # @return [Hash{String => Array}] what each was answered, by its name, as far as it has to be the same again
      def answers
        ALL.to_h do |name, request|
          client = ->(*asked) { yield(name, *asked) }
          [name, request == :visit ? visit(client) : answer(client, *request)]
        rescue StandardError => error
          [name, [error.class.name]]
        end
      end

      # @param answers [Hash{String => Array}]
      # @return [Array<String>] those that no app should answer so
      def failed(answers)
        answers.keys.reject { |name| name == FAILING || Range.new(200, 499) === answers[name].first }
      end

      private

      def answer(client, verb, target, headers = {}, body = nil)
        status, headers, body = client.call(verb, target, headers, body)
        body = body.dup.force_encoding(Encoding::UTF_8).scrub
        [status, headers["content-type"], body.gsub(TOKEN, "TOKEN")]
      end

      # A page, its form with what its session has for it, and the page that this leads to.
      def visit(client)
        _, headers, body = client.call("GET", "/", {}, nil)
        token = body[/name="authenticity_token" value="([^"]+)"/, 1]
        form = "authenticity_token=#{token}&name=Zo%C3%AB"
        status, headers, = client.call("POST", "/greeting", { **FORM, "cookie" => crumbs(headers) }, form)
        [status, *answer(client, "GET", "/", { "cookie" => crumbs(headers) })]
      end

      def crumbs(headers) = Array(headers["set-cookie"]).map { |one| one[/\A[^;]+/] }.join("; ")
    end
  end

  Ractor.make_shareable(Cases::ALL)
end
