# frozen_string_literal: true

require_relative "commands"
require_relative "server"
require_relative "wrk"

module Bench
  # Which servers answer which endpoints, how large, under how many connections.
  module Plan
    # @!attribute name [String]
    # @!attribute size [String] processes x threads, for the report
    # @!attribute command [Proc] from a port to a command line
    # @!attribute endpoints [Array<String>, nil] the only ones it answers; nil for all
    Contender = Data.define(:name, :size, :command, :endpoints) do
      # @return [Server] one that may not be up yet
      def start = Server.start(name, &command)

      # @param _endpoint [Endpoint]
      # @return [#run] what asks for it, as {Wrk.run}
      def load(_endpoint) = Wrk
    end

    # @!attribute path [String]
    # @!attribute body [String, Regexp] what the answer must be
    Endpoint = Data.define(:name, :path, :body)

    # Contenders that are up at the same time and take turns under load.
    Group = Data.define(:contenders, :endpoints, :connections)

    APP = "bench/apps/endpoints.ru"
    RAILS = "examples/rails-hello/config.ru"
    SERVERS = %w[ceiling kino kino-watched puma-cluster puma-single].freeze

    module_function

    # @param others [Array<Described>] who takes part in each, with its app and as many threads as Kino has there
    # @return [Array<Group>]
    def groups(others = [])
      { main => [APP, 6], io => [APP, 16], files => [APP, 5], rails => [RAILS, 5] }.map do |group, (app, threads)|
        group.with(contenders: group.contenders + others.map { |other| other.for(app, threads) })
      end
    end

    # Kino alone: each of Puma's threads waits 0.2 s for a second request before it lets an idle connection go, so that
    # making 10,000 of them would take minutes.
    # @return [Contender] who holds idle connections
    def idle
      kino(APP, 6)
    end

    # @return [Endpoint]
    def plaintext
      Endpoint.new("plaintext", "/plaintext", "Hello, World!")
    end

    def main
      canned = Contender.new("ceiling", "1 thread, no Ruby", ->(port) { Commands.ceiling(port) }, ["plaintext"])
      endpoints = [plaintext, Endpoint.new("10k", "/10k", "0123456789" * 1024), Endpoint.new("cpu", "/cpu", "610")]
      Group.new([canned, kino(APP, 6), watched(APP, 6), puma(APP, 3, workers: 2), puma(APP, 5)], endpoints, 32)
    end

    def io
      contenders = [kino(APP, 16), puma(APP, 8, workers: 2), puma(APP, 16)]
      Group.new(contenders, [Endpoint.new("io", "/io", "Hello, World!")], 64)
    end

    # So few connections that it is not their number that is measured.
    def files
      endpoints = %w[asset file].map { |name| Endpoint.new(name, "/#{name}", /\A0+\z/) }
      Group.new([kino(APP, 5), puma(APP, 5)], endpoints, 4)
    end

    def rails
      Group.new([kino(RAILS, 5), puma(RAILS, 5)], [Endpoint.new("rails", "/about", /"rails":/)], 32)
    end

    def kino(app, threads)
      Contender.new("kino", "1x#{threads}", ->(port) { Commands.kino(port, app, threads: threads) }, nil)
    end

    # With all that tells how it is: metrics, and a line of JSON for each request.
    def watched(app, threads)
      command = ->(port) { Commands.kino(port, app, threads: threads) + Commands.watching(port) }
      Contender.new("kino-watched", "1x#{threads}", command, ["plaintext"])
    end

    def puma(app, threads, workers: 0)
      name = workers.zero? ? "puma-single" : "puma-cluster"
      command = ->(port) { Commands.puma(port, app, threads: threads, workers: workers) }
      Contender.new(name, "#{workers}x#{threads}", command, nil)
    end
    private_class_method :main, :io, :files, :rails, :kino, :watched, :puma
  end
end
