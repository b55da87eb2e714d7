# frozen_string_literal: true

require_relative "../rack/input"
require_relative "../rack/streamed_input"
require_relative "ending"
require_relative "starting"

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
    include Starting
    include Ending

    # @return [Configuration] what it was told, frozen
    attr_reader :configuration
    # @return [Array<String>] the requests that the last {#stop} has ended without an answer, such as
    #   `"GET /report, for 31.2 s"`
    attr_reader :aborted

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
      @aborted = []
      @lock = Mutex.new
      @hurry = Thread::Queue.new
    end

    # Listens and serves, on threads of its own. A server that was stopped can be started again.
    #
    # @return [Server] itself
    # @raise [BindError] when an address can't be listened on; nothing has been started then
    # @raise [ConfigurationError] when what TLS is to be served with can't be read, or used
    # @raise [UnshareableAppError] when `mode :ractor` is asked for and the app can't be shared
    def start
      @lock.synchronize { launch unless @native }
      self
    end

    # Starts, if need be, and waits until the server is stopped by another thread.
    #
    # @return [nil]
    # @raise (see #start)
    # @raise [WorkerBootError] when the server has ended because a worker could not boot
    def run
      start
      join
    ensure
      halt if $!
    end

    # Goes on for `drain_delay`, then accepts no more and waits for the requests that have begun. What still runs after
    # `timeout` is ended, as {#stop!} does.
    #
    # @param timeout [Numeric] seconds to wait at most
    # @return [Boolean] whether everything was finished in time; false at once when an app stops its own server, or a
    #   signal's handler does, which then goes on beside it; and when a command runs the server, which then ends in
    #   order, as it does for `TERM`
    def stop(timeout = @configuration.shutdown_timeout)
      return true unless running?
      return (@command.stop && false) if @command

      drain(timeout)
    end

    # Ends everything now; requests that run get no answer. A ractor that is stuck in native code can't be ended by
    # anyone: it goes with the process. A server that a command runs (`kino`, `rackup`, Sinatra's `run!`) is ended in
    # order instead, as {#stop} does: frameworks call this where they mean that, Sinatra from the handler of a signal.
    #
    # @return [nil]
    def stop!
      @command && running? ? @command.stop : halt
      nil
    end

    # @return [Symbol, nil] what workers are, `:threaded` or `:ractor`; nil while it doesn't run
    def mode = @native && @mode.name

    # @return [String, nil] why it runs in its {#mode}, where `mode :auto` left that to Kino
    def mode_reason = @mode&.reason

    # @api private
    # @return [Mode, nil] how its mode was chosen
    def choice = @mode

    # What is being served now.
    #
    # @return [Array<String>] such as `"GET /report, for 31.2 s"`; without the query, which may hold secrets
    def in_flight = @native ? describe(@native.in_flight) : []

    # @return [Boolean] whether it is serving, or draining
    def running? = !@native.nil?

    # @return [Integer, nil] the port of the first TCP address, as it was really bound; nil while it doesn't run and for
    #   unix sockets alone
    def port = @native&.port

    # @return [Array<String>] where it listens: `http://127.0.0.1:9292`, `https://...`, `unix:///run/app.sock`; empty
    #   while it doesn't run
    def urls = @native ? @native.uris.map { |uri| Configuration::Address.url(uri) } : []

    # @return [String, nil] the first of {#urls}
    def url = urls.first

    # Counters since the start, and gauges of now: `connections`, `running`.
    #
    # @return [Hash{Symbol => Integer}] empty while it doesn't run
    # @example
    #   server.stats[:requests] # => 1042
    def stats = @native ? @native.stats : {}

    # Opens the access log's file anew, where there is one: for whoever has renamed it, as logrotate does. A command
    # does so on HUP.
    #
    # @return [nil]
    def reopen_logs = @native&.reopen_logs

    # Has the files that TLS is served with read again, within a second, as is done anyway where one has changed. A
    # command does so on HUP. What is wrong with them is logged, and what was is served on.
    #
    # @return [nil]
    def reload_certificates = @native&.reload_certificates

    # Whoever runs the server for a command: is told when it has ended, and asked when it is to stop.
    #
    # @api private
    # @return [#stop, #ended, nil]
    attr_writer :command

    # What has started this process, and wants to hear how it is.
    #
    # @api private
    # @return [ServiceManager]
    attr_writer :manager

    # The control socket is served for who does what is asked for there.
    #
    # @api private
    # @param signals [Signals, nil] what wakes them; nil where nobody does it
    # @param waits [Boolean] whether another server, whose place this one takes, still listens there
    # @param plane [ControlPlane, nil] what serves the socket already
    # @return [void]
    def control_with(signals, waits: false, plane: nil)
      @signals = signals
      @plane ||= plane
      @waits = waits
    end

    # @api private
    # @return [Control, nil] its control socket; nil without one, and while it doesn't run
    def control = @plane&.socket

    # Serves as one of several processes, on sockets that all of them have.
    #
    # @api private
    # @param site [Site] what they share
    # @param slot [Integer] its place on their scoreboard
    # @param parent [IO] at its end when the parent is gone: then nobody is to serve any more
    # @param number [Integer] which process it is, from 1
    # @param goes_on [Boolean] whether it serves TLS with what the others have served last, where it can't be served
    #   with what there is now
    # @return [Server] itself
    # @raise (see #start)
    def start_on(site, slot, parent, number = 1, goes_on: false)
      site.scoreboard.take(slot)
      @place = { scoreboard: site.scoreboard, place: slot, parent: parent.fileno }
      @number = number
      inherit(site.listeners, others_serve: true, goes_on: goes_on)
      start
    end

    # Takes over sockets that are bound already, in place of its addresses.
    #
    # @api private
    # @param listeners [Native::Listeners]
    # @param others_serve [Boolean] whether others accept from them, too: then this one does once it has workers
    # @param goes_on [Boolean] see {#start_on}
    # @return [void]
    def inherit(listeners, others_serve: false, goes_on: false)
      @inherited = listeners
      @sharing = { others_serve: others_serve, goes_on: goes_on }
    end

    # @api private
    # @return [Native::Listeners, nil] its sockets; nil while it doesn't run
    attr_reader :listeners

    # Waits until the server has ended.
    #
    # @api private
    # @return [nil]
    # @raise [WorkerBootError]
    def join
      @supervisor&.join
      nil
    end

    private

    def describe(requests) = requests.map { |_, _, seconds, request,| "#{request}, for #{seconds.round(1)} s" }
  end
end
