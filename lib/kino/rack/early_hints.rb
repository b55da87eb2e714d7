# frozen_string_literal: true

module Kino
  # `env["rack.early_hints"]`, where the setting `early_hints` is on: tells the client, in a 103 before the answer, what
  # it will need. A hint that was given for the request before is not sent again. Clients of HTTP/1.0 are told nothing,
  # nor is one that is slow to read, and once the answer has begun a call does nothing.
  #
  # @example
  #   env["rack.early_hints"].call("link" => "</app.css>; rel=preload; as=style")
  class EarlyHints
    # An app whose requests are offered early hints.
    #
    # @api private
    class Offer
      # @param app [#call] a Rack app
      def initialize(app)
        @app = app
      end

      # @param env [Hash]
      # @return [Array] the app's answer
      def call(env)
        env["rack.early_hints"] = EarlyHints.new(env["kino.request"])
        @app.call(env)
      end
    end

    # @api private
    # @param request [Request] whose client is told
    def initialize(request)
      @request = request
      @given = {}
    end

    # @param headers [Hash{String => String, Array<String>}] a value may have several lines
    # @return [nil]
    # @raise [ResponseError] for a header that can't be sent
    # @raise [ClientDisconnected] when the client has left
    def call(headers)
      news = headers.to_h.to_h { |name, value| [name, news(name.to_s, value)] }
      news.delete_if { |_, values| values.empty? }
      Native::Exchange.early_hints(@request, news) unless news.empty?
      nil
    end

    private

    def news(name, value)
      values = value.is_a?(Array) ? value : value.to_s.split("\n")
      values.select { |line| @given[[name.downcase, line.to_s]].nil? && (@given[[name.downcase, line.to_s]] = true) }
    end
  end
end
