# frozen_string_literal: true

require_relative "input"
require_relative "dispatcher/threaded"

module Kino
  # A server for one app, to be embedded anywhere; the commands are made of it too.
  #
  # @example In a script, until Ctrl-C
  #   Kino::Server.new(app, port: 3000).run
  # @example In a test
  #   server = Kino::Server.new(app, port: 0).start
  #   Net::HTTP.get(URI(server.url)) # => "hello"
  #   server.stop
  class Server
    # @return [Configuration] what it was told, frozen
    attr_reader :configuration

    # Starts nothing yet, so a process may fork between this and {#start}.
    #
    # @param app [#call] a Rack app
    # @param configuration [Configuration, nil] a complete one, or
    # @param settings [Hash{Symbol => Object}] any of {Configuration}'s settings
    # @raise [ConfigurationError] for a name that is no setting, and a value that isn't allowed
    # @raise [ArgumentError] for an app that can't be called, and for both a configuration and settings
    def initialize(app, configuration: nil, **settings)
      raise ArgumentError, "#{app.inspect} is no Rack app: it has no method call" unless app.respond_to?(:call)
      raise ArgumentError, "write either configuration: or settings, not both" if configuration && settings.any?

      @app = app
      @configuration = configuration || Configuration.new(**settings)
      @lock = Mutex.new
    end

    # Listens and serves, on threads of its own. A server that was stopped can be started again.
    #
    # @return [Server] itself
    # @raise [BindError] when an address can't be listened on; nothing has been started then
    def start
      @lock.synchronize { launch unless @native }
      self
    end

    # Starts, if need be, and waits until the server is stopped by another thread.
    #
    # @return [nil]
    # @raise (see #start)
    def run
      start
      @dispatcher&.join
      nil
    ensure
      stop! if $!
    end

    # Accepts no more, and waits for the requests that have begun. What still runs after that is ended, as {#stop!}
    # does.
    #
    # @param timeout [Numeric] seconds to wait at most
    # @return [Boolean] whether everything was finished in time; false at once when an app stops its own server, which
    #   then goes on beside it
    def stop(timeout = @configuration.shutdown_timeout)
      native, dispatcher = @native, @dispatcher
      return true unless native
      return (Thread.new { stop(timeout) } && false) if dispatcher.worker?(Thread.current)

      drain(native, dispatcher, timeout)
    end

    # Ends everything now; requests that run get no answer.
    #
    # @return [nil]
    def stop!
      native, dispatcher = @lock.synchronize { [@native, @dispatcher].tap { @native = @dispatcher = nil } }
      native&.stop
      dispatcher&.kill
      nil
    end

    # @return [Boolean] whether it is serving, or draining
    def running? = !@native.nil?

    # @return [Integer, nil] the port of the first TCP address, as it was really bound; nil while it doesn't run and for
    #   unix sockets alone
    def port = @native&.port

    # @return [Array<String>] where it listens: `http://127.0.0.1:9292`, `unix:///run/app.sock`; empty while it doesn't
    #   run
    def urls = @native ? @native.uris.map { |uri| uri.sub(/\Atcp:/, "http:") } : []

    # @return [String, nil] the first of {#urls}
    def url = urls.first

    # Counters since the start, and gauges of now: `connections`, `running`.
    #
    # @return [Hash{Symbol => Integer}] empty while it doesn't run
    # @example
    #   server.stats[:requests] # => 1042
    def stats = @native ? @native.stats : {}

    private

    def launch
      native = Native::Server.bind(@configuration.bind, @configuration.to_h)
      native.start
      dispatcher = Dispatcher::Threaded.new(native, @app, @configuration)
      dispatcher.start
      @native, @dispatcher = native, dispatcher
    ensure
      # Whatever raised, nothing is left half running.
      unless @native
        native&.stop
        dispatcher&.kill
      end
    end

    def drain(native, dispatcher, timeout)
      native.drain
      dispatcher.join(timeout)
    ensure
      stop!
    end
  end
end
