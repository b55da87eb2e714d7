# frozen_string_literal: true

require_relative "error_page/facts"
require_relative "error_page/html"
require_relative "error_page/json"
require_relative "error_page/secrets"
require_relative "error_page/text"

module Kino
  # What an error of an app that has no page of its own is answered with in development: what was raised and why, where,
  # with the source around it, and the request. As HTML for browsers, JSON for whoever asks for that, else as text.
  #
  # It is for those alone who sit at this machine, or are named (`error_page`), and who call it by a name that no
  # website can have. Who has come by proxies is who these name: each of them has to be one of those. Deeply frozen, so
  # that all ractors have the same one.
  #
  # @api private
  class ErrorPage
    # Fields in which proxies say whom they ask for, in lists or alone; or that they do, and not for whom (Via).
    HOPS = %w[HTTP_X_FORWARDED_FOR HTTP_X_REAL_IP HTTP_CLIENT_IP HTTP_X_CLIENT_IP HTTP_CF_CONNECTING_IP
              HTTP_TRUE_CLIENT_IP HTTP_FLY_CLIENT_IP HTTP_FASTLY_CLIENT_IP HTTP_X_CLUSTER_CLIENT_IP
              HTTP_X_ORIGINAL_FORWARDED_FOR HTTP_X_FORWARDED HTTP_VIA].freeze
    # What RFC 7239 calls the same.
    FORWARDED = /(?:\A|[;,])\s*for\s*=\s*("[^"]*"|[^;,]*)/i
    # An address as it may stand there: with a port, and one of IPv6 in brackets.
    HOP = /\A"?(?:\[([\h:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?|([\h:.]+))"?\z/
    # Names of this machine and of others near it, which are in no public DNS: an address, one word, or what ends in a
    # word that is kept for that. A website could give a name of its own this machine's address (DNS rebinding), and
    # have a visitor's browser read for it what is meant for who sits there.
    NEARBY = /\A(?:[^.:\[\]]*|\d+(?:\.\d+){3}|\[[\h.]*:[\h:.]*\]|(?:[^.:]+\.)+(?:localhost|test|internal|local))
              \.?(?::\d*)?\z/ix
    # What `REMOTE_ADDR` is for whoever has come by a unix socket.
    UNIX = "127.0.0.1"
    # What each form calls itself.
    TYPES = { html: "text/html", json: "application/json", text: "text/plain" }.freeze
    # Nothing of what it shows is to be kept, run, or taken for anything else.
    HEADERS = { "cache-control" => "no-store", "x-content-type-options" => "nosniff", "vary" => "accept",
                "content-security-policy" => "default-src 'none'; style-src 'unsafe-inline'" }.freeze
    private_constant :HOPS, :FORWARDED, :HOP, :NEARBY, :UNIX, :TYPES, :HEADERS

    # @param configuration [Configuration]
    # @return [ErrorPage, nil] nil where nobody is to see one
    def self.of(configuration)
      return if configuration.environment != "development" || configuration.error_page.empty?

      new(configuration.error_page, filter: configuration.filter_query)
    end

    # @return [Array<String>] folders of what isn't the app's own; none where Ruby runs without RubyGems
    def self.gems = defined?(Gem) ? Gem.path : []

    # @param viewers [Array<String>] networks of those who may see it, `"unix"` for clients of unix sockets
    # @param filter [Boolean, Array<String>] see `filter_query`
    # @param root [String] the app's folder
    # @param gems [Array<String>] folders of what isn't the app's own
    def initialize(viewers, filter: false, root: Dir.pwd, gems: ErrorPage.gems)
      require "ipaddr" # only where there is a page
      @viewers = viewers.map { |one| range(IPAddr.new(one == "unix" ? UNIX : one)) }
      @secrets = Secrets.new(filter)
      @root, @gems = -root, gems.map { |folder| -folder }
      Ractor.make_shareable(self)
    end

    # @param env [Hash] the request's
    # @param error [Exception]
    # @return [Array(Integer, Hash, Array<String>), nil] a Rack response; nil for whom it isn't for
    def answer(env, error)
      return unless for?(env)

      form = form_for(env["HTTP_ACCEPT"])
      facts = Facts.new(error, env, @secrets, @root, @gems)
      body = { html: Html, json: Json, text: Text }.fetch(form).of(facts)
      [500, { "content-type" => "#{TYPES.fetch(form)}; charset=utf-8", **HEADERS }, [body]]
    end

    private

    def for?(env)
      return false unless %w[HTTP_HOST SERVER_NAME].all? { |name| env[name].nil? || NEARBY.match?(env[name]) }

      hops = HOPS.flat_map { |name| env[name].to_s.split(",", -1) }
      hops.concat(env["HTTP_FORWARDED"].scan(FORWARDED).flatten) if env["HTTP_FORWARDED"]
      [env["REMOTE_ADDR"].to_s, *hops].all? { |hop| viewer?(hop.strip) }
    end

    def viewer?(hop)
      address = IPAddr.new(HOP.match(hop)&.captures&.compact&.first.to_s).native
      @viewers.any? { |is_ipv4, from, to| is_ipv4 == address.ipv4? && address.to_i.between?(from, to) }
    rescue IPAddr::Error # nobody knows who that is
      false
    end

    # An IPAddr of 3.3 can't be shared, the numbers that it is about can.
    def range(network)
      network = network.native
      ends = network.to_range
      [network.ipv4?, ends.begin.to_i, ends.end.to_i]
    end

    # The one that is liked best of those that are named; any will do, for who names none.
    def form_for(accept)
      liked = accept.to_s.split(",").map do |part|
        type, *parameters = part.strip.downcase.split(/\s*;\s*/)
        [form_of(type), (parameters.filter_map { |one| one[/\Aq=(.*)/, 1] }.first || 1).to_f]
      end
      liked.reject { |form, weight| form.nil? || weight.zero? }.max_by { |_, weight| weight }&.first || :text
    end

    def form_of(type)
      case type
      when "text/html", "application/xhtml+xml" then :html
      when %r{\Aapplication/(?:[\w.-]+\+)?json\z} then :json
      when "text/plain" then :text
      end
    end
  end

  private_constant :ErrorPage
end
