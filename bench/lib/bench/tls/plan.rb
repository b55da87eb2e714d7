# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require_relative "../plan"
require_relative "certificate"
require_relative "h2load"
require_relative "handshakes"
require_relative "nginx"
require_relative "server"

module Bench
  module Tls
    # @!attribute is_tls [Boolean] whether it is spoken to over TLS
    # @!attribute loader [#run] what asks it for plaintext
    # @!attribute back [Contender, nil] a server behind it, whose port is the second thing that `command` is given
    Contender = Data.define(:name, :size, :command, :endpoints, :is_tls, :loader, :back) do
      def initialize(endpoints: [Plan::PLAINTEXT], is_tls: false, loader: Wrk, back: nil, **)
        super
      end

      # @return [Bench::Server, Chain] one that may not be up yet
      def start
        kind = is_tls ? Server : Bench::Server
        return kind.start(name, &command) unless back

        behind = back.start
        Chain.start(behind) { kind.start(name) { |port| command.call(port, behind.port) } }
      end

      # @return [#run] what asks for it, as {Wrk.run}
      def load(endpoint) = Plan::HANDSHAKES.fetch(endpoint.name, loader)
    end

    # Which servers bench/tls has take turns, and what is asked of them.
    class Plan
      APP = Bench::Plan::APP
      THREADS = 6
      # Connections with which wrk asks.
      CONNECTIONS = 32
      # Processes that shake hands.
      SHAKERS = 4

      PLAINTEXT = "plaintext"
      HANDSHAKES = { "handshake-1.3" => Handshakes.new(OpenSSL::SSL::TLS1_3_VERSION),
                     "handshake-1.2" => Handshakes.new(OpenSSL::SSL::TLS1_2_VERSION) }.freeze
      PARTS = [PLAINTEXT, *HANDSHAKES.keys].freeze

      # By the program that each needs.
      NGINX = %w[nginx-http nginx-https nginx-proxy].freeze
      H2 = %w[kino-h2c kino-h2 nginx-proxy].freeze
      SERVERS = %w[kino-http kino-https kino-h2c kino-h2 nginx-http nginx-https nginx-proxy puma-https].freeze

      # @param folder [String] for certificates and configurations
      def initialize(folder)
        @certificate = Certificate.new(folder)
        @nginx = Nginx.new(folder, @certificate)
      end

      # @param servers [Array<String>]
      # @param only [Array<String>] parts
      # @raise [Problem] when a program isn't there that these need
      def self.check(servers, only)
        Nginx.check if servers.intersect?(NGINX)
        return unless only.include?(PLAINTEXT)

        H2load.check if servers.intersect?(H2)
        Wrk.check unless (servers - H2).empty?
      end

      # @return [Array<Bench::Plan::Group>]
      def groups
        shaken = [kino_https, nginx_https].map { |contender| contender.with(endpoints: HANDSHAKES.keys) }
        handshakes = HANDSHAKES.keys.map { |name| Bench::Plan.plaintext.with(name: name) }
        [Bench::Plan::Group.new(contenders, [Bench::Plan.plaintext], CONNECTIONS),
         Bench::Plan::Group.new(shaken, handshakes, SHAKERS)]
      end

      private

      def contenders
        [kino_http, kino_https, kino("kino-h2c", file: "bench/apps/http2.rb", loader: H2load),
         kino("kino-h2", is_tls: true, loader: H2load), nginx("nginx-http"), nginx_https, nginx_proxy, puma]
      end

      def kino_http = kino("kino-http")

      def kino_https = kino("kino-https", is_tls: true)

      def kino(name, file: "-", is_tls: false, **)
        command = lambda do |port|
          [*Commands.kino(port, APP, threads: THREADS, **secure(port, is_tls)), "-C", file]
        end
        Contender.new(name: name, size: "1x#{THREADS}", command: command, is_tls: is_tls, **)
      end

      def nginx_https = nginx("nginx-https", "ssl", is_tls: true)

      def nginx(name, listen = "", **)
        Contender.new(name: name, size: "1 worker", command: ->(port) { @nginx.command(port, listen) }, **)
      end

      def nginx_proxy
        command = ->(port, behind) { @nginx.command(port, "ssl http2", behind: behind) }
        Contender.new(name: "nginx-proxy", size: "1 worker, kino-http behind it", command: command, is_tls: true,
                      loader: H2load, back: kino_http)
      end

      def puma
        command = ->(port) { Commands.puma(port, APP, threads: 3, workers: 2, **secure(port, true)) }
        Contender.new(name: "puma-https", size: "2x3", command: command, is_tls: true)
      end

      def secure(port, is_tls) = is_tls ? { address: @certificate.address(port) } : {}
    end
  end
end
