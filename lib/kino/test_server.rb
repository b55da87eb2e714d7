# frozen_string_literal: true

require_relative "testing/witness"

module Kino
  # A server for tests, of any framework: it listens on a free port of this machine, and what its app raises is raised
  # in the test. When it is stopped, requests that have begun are waited for.
  #
  # Neither `kino.rb` nor the environment counts, only what the test says: every setting of {Configuration}, in each
  # mode.
  #
  # @example With a block, at whose end it is stopped
  #   Kino::TestServer.start(app) do |url|
  #     assert_equal "hello", Net::HTTP.get(URI(url))
  #   end
  # @example Without one, such as in `setup` and `teardown`
  #   @server = Kino::TestServer.start(app, threads: 2)
  #   Net::HTTP.get(URI(@server.url))
  #   @server.stop
  # @example An error that is expected
  #   Kino::TestServer.start(app) do |url, server|
  #     Net::HTTP.get(URI("#{url}/broken"))
  #     assert_equal ["boom"], server.errors.map(&:message)
  #   end
  class TestServer
    # What a test has where it says nothing else.
    SETTINGS = { environment: "test", quiet: true }.freeze
    private_constant :SETTINGS

    class << self
      # Starts a server.
      #
      # @param app [#call] a Rack app
      # @param settings [Hash{Symbol => Object}] any of {Configuration}'s settings, such as `threads: 1` or
      #   `mode: :ractor`; by default those of {Configuration}, on a free port of 127.0.0.1, with `environment: "test"`
      # @yieldparam url [String] where it listens, such as `http://127.0.0.1:44707`
      # @yieldparam server [TestServer]
      # @yieldreturn [Object]
      # @return [TestServer, Object] the server, which is then to be stopped; with a block, what that returns, once all
      #   requests that it has begun are over
      # @raise [ConfigurationError] for a name that is no setting, and a value that isn't allowed
      # @raise [ArgumentError] for an app that can't be called
      # @raise [BindError] when an address can't be listened on
      # @raise [UnshareableAppError] when `mode: :ractor` is asked for and the app can't be shared
      # @raise [Exception] with a block: the first error that the app has raised, in place of whatever the block has
      #   raised meanwhile, which is that error's cause where it has no other; else see {#stop}
      def start(app, **settings)
        server = new(app, **settings).start
        return server unless block_given?

        serving(server) { yield server.url, server }
      end

      private

      # Whatever ends the block, `break` and `throw` too. What the app has raised explains why an assertion fails, so
      # it is raised in that one's place; nobody who interrupts a test wants to wait.
      def serving(server)
        yield
      ensure
        $!.is_a?(SignalException) ? server.server.stop! : server.stop
      end
    end

    # Starts nothing yet.
    #
    # @param app (see TestServer.start)
    # @param settings (see TestServer.start)
    # @raise [ConfigurationError] for a name that is no setting, and a value that isn't allowed
    # @raise [ArgumentError] for an app that can't be called
    def initialize(app, **settings)
      raise ArgumentError, "#{app.inspect} is no Rack app: it has no method call" unless app.respond_to?(:call)

      @witness = Testing::Witness.new
      given = Configuration.new(**SETTINGS, **(settings.key?(:bind) ? {} : { port: 0 }), **settings)
      @configuration = given.with(on_error: [*given.on_error, @witness.hook])
      @server = Server.new(@witness.watch(app), configuration: @configuration)
    end

    # @return [Server] what serves, for all that it can tell: `in_flight`, `stats`, `mode`
    attr_reader :server

    # Listens and serves, on threads of its own.
    #
    # @return [TestServer] itself
    # @raise (see Server#start)
    def start
      @witness.open
      @server.start
      @url, @port = @server.url, @server.port
      self
    rescue Exception
      @witness.close
      raise
    end

    # @return [String, nil] where it listens, the first address of several; it is kept when it has been stopped
    attr_reader :url

    # @return [Integer, nil] the port of the first TCP address; nil for unix sockets alone
    attr_reader :port

    # What the app has raised since the last time that this was asked, oldest first; {#stop} doesn't raise what was told
    # here. An error of the app's call is there when its client has the answer; one of a body that is sent part by part,
    # or of a callback, may come a moment later, but is there when {#stop} has waited for it.
    #
    # In mode `:ractor` an error comes as a copy, without its cause.
    #
    # @return [Array<Exception>]
    def errors = @witness.take

    # Accepts no more, and waits for the requests that have begun.
    #
    # @param timeout [Numeric] seconds to wait at most; default the setting `shutdown_timeout`, 30
    # @return [nil]
    # @raise [Exception] the first error that the app has raised, unless {#errors} has told it
    # @raise [Error] when requests still ran after that time; they are ended, and the message names them
    def stop(timeout = @configuration.shutdown_timeout)
      in_time = @server.stop(timeout)
      @witness.close(is_over: in_time)
      error, = errors
      raise error if error
      return if in_time

      raise Error, "requests still ran #{timeout} s after the test had ended: #{@server.aborted.join("; ")}"
    end
  end
end
