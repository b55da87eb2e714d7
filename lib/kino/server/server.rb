# frozen_string_literal: true

require_relative "../rack/input"
require_relative "../rack/streamed_input"
require_relative "mode"
require_relative "../control/plane"
require_relative "../workers/supervisor"
require_relative "log"
require_relative "teller"

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
    # Seconds that a client which keeps its connection open has for its next request, when others serve already.
    PARTING = 1
    # Seconds between two looks at whether all have gone.
    LOOK = 0.02
    private_constant :PARTING, :LOOK

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
      @parting = Thread::Queue.new
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
    # @return [void]
    def control_with(signals, waits: false)
      @signals = signals
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
    # @return [Server] itself
    # @raise (see #start)
    def start_on(site, slot, parent, number = 1)
      site.scoreboard.take(slot)
      @place = { scoreboard: site.scoreboard, place: slot, parent: parent.fileno }
      @number = number
      inherit(site.listeners)
      start
      site.scoreboard.ready(slot)
      self
    end

    # Takes over sockets that are bound already, in place of its addresses.
    #
    # @api private
    # @param listeners [Native::Listeners]
    # @return [void]
    def inherit(listeners) = @inherited = listeners

    # @api private
    # @return [Native::Listeners, nil] its sockets; nil while it doesn't run
    attr_reader :listeners

    # There is no time for what comes before the drain.
    #
    # @api private
    # @return [Boolean] whether that was under way
    def hurry
      @parting << true
      !@is_waiting.nil?
    end

    # Waits until the server has ended.
    #
    # @api private
    # @return [nil]
    # @raise [WorkerBootError]
    def join
      @supervisor&.join
      nil
    end

    # What {#stop} does where no command runs the server.
    #
    # @api private
    # @param timeout [Numeric] seconds to wait at most
    # @param is_replaced [Boolean] whether others serve in its place: clients then have a moment to send their next
    #   request, whose answer tells them to go there
    # @param hands_on [Boolean] whether its sockets stay open, for other processes
    # @return [Boolean]
    def drain(timeout, is_replaced: false, hands_on: false)
      @listeners = nil if hands_on
      @is_replaced = is_replaced
      native, supervisor = @native, @supervisor
      return true unless native
      return (Thread.new { drain(timeout) } && false) if trapped? || supervisor.worker?(Thread.current)

      end_in_order(native, supervisor, timeout)
    end

    # What {#stop!} does where no command runs the server.
    #
    # @api private
    # @return [nil]
    def halt
      return Thread.new { halt } && nil if trapped?

      parts = @lock.synchronize { [@supervisor, @plane, @native, @log].tap { @native = @supervisor = @log = nil } }
      close_listeners
      parts.compact.each(&:stop)
      @parting << nil if @parting.num_waiting.positive?
      nil
    end

    private

    # In the handler of a signal no lock can be had.
    def trapped?
      @lock.synchronize { false }
    rescue ThreadError
      true
    end

    # The engine has its own descriptors of the same sockets: it closes the last ones, once nobody waits there any more.
    def close_listeners
      @listeners&.close
      @listeners = nil
    end

    def launch
      @mode = Mode.of(@app, @configuration)
      settings = @configuration.with(mode: @mode.name, **(@place ? {} : { processes: 1 }))
      @plane ||= ControlPlane.new(@configuration, @place, @number || 1)
      native = engine(settings)
      Native.log_as(Log.form(@configuration) == :json, @configuration.log_level.to_s)
      @log = @configuration.logger && Log.new(@configuration.logger).start
      @plane.open(@signals, waits: @waits || false)
      native.start
      @plane.answer(native, @mode.name)
      supervisor = Supervisor.of(native, @app, settings, errors)
      @native, @supervisor = native, supervisor.start { @command&.ended }
      warn_of(@mode.warning) if @mode.warning && !@place
      warn_of("processes does nothing here: kino, rackup and rails server fork them") if
        @configuration.processes > settings.processes
      warn_of("stream_bodies does nothing with one thread in all: half of them may wait for clients") if
        settings.stream_bodies && settings.workers * settings.threads < 2
    ensure
      # Whatever raised, nothing is left half running.
      unless @native
        @plane&.stop
        native&.stop
        close_listeners
        @log&.stop
      end
    end

    def engine(settings)
      @listeners = @inherited || Native::Listeners.bind(settings.bind)
      @plane.prepare
      Native::Engine.on(@listeners, settings.to_h.merge(@plane.place || {}, reporting(settings)))
    end

    def reporting(settings)
      @manager ? @manager.reporting("1 process, workers x threads: #{settings.workers} x #{settings.threads}") : {}
    end

    def warn_of(what) = Teller.new(errors).tell { |io| io.puts "kino: warning: #{what}" }

    # For what goes wrong.
    def errors = Log.outlets(@configuration, $stdout, $stderr).last

    def end_in_order(native, supervisor, timeout)
      until_then = now + timeout
      @is_replaced ? part(native, [timeout, PARTING].min) : lame_duck(native, [timeout, @configuration.drain_delay].min)
      hooks = Thread.new { @configuration.on_drain.each { |hook| tell(hook) } }
      told = hooks.join([until_then - now, 0].max)
      @plane.close if @is_replaced
      close_listeners
      native.drain
      in_time = supervisor.join([until_then - now, 0].max) && !told.nil?
      @aborted = in_time ? [] : describe(native.in_flight)
      in_time
    ensure
      halt
    end

    # Whatever it raises, the others have their turn, and the server stops.
    def tell(hook)
      hook.call
    rescue Exception => error
      Teller.new(errors).tell { |io| failure(io).log(nil, error) }
    end

    def failure(io) = Failure.new(@configuration.environment, io, on_error: @configuration.on_error,
                                                                    form: Log.form(@configuration))

    # Goes on for a while, with answers that end their connections, so that a load balancer notices before it is
    # refused.
    def lame_duck(native, delay)
      return unless delay.positive?

      native.lame_duck
      @is_waiting = true
      @parting.pop(timeout: delay)
    ensure
      @is_waiting = nil
    end

    # The same where others serve already: until all clients have gone there, or are idle, as far as one can know.
    def part(native, seconds)
      native.lame_duck
      until_then = now + seconds
      nil until native.stats[:connections].zero? || now >= until_then || @parting.pop(timeout: LOOK)
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def describe(requests) = requests.map { |_, _, seconds, request,| "#{request}, for #{seconds.round(1)} s" }
  end
end
