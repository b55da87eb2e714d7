# frozen_string_literal: true

require_relative "../rack/input"
require_relative "../rack/streamed_input"
require_relative "mode"
require_relative "../workers/supervisor"
require_relative "../workers/stuck_watch"
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
    # @return [Configuration] what it was told, frozen
    attr_reader :configuration
    # @return [Array<String>] the requests that the last {#stop} gave up, such as `"GET /report, for 31.2 s"`
    attr_reader :given_up

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
      @given_up = []
      @lock = Mutex.new
      @parting = Thread::Queue.new
    end

    # Listens and serves, on threads of its own. A server that was stopped can be started again.
    #
    # @return [Server] itself
    # @raise [BindError] when an address can't be listened on; nothing has been started then
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
      @supervisor&.join
      nil
    ensure
      stop! if $!
    end

    # Goes on for `drain_delay`, then accepts no more and waits for the requests that have begun. What still runs after
    # `timeout` is ended, as {#stop!} does.
    #
    # @param timeout [Numeric] seconds to wait at most
    # @return [Boolean] whether everything was finished in time; false at once when an app stops its own server, or a
    #   signal's handler does, which then goes on beside it
    def stop(timeout = @configuration.shutdown_timeout)
      native, supervisor = @native, @supervisor
      return true unless native
      return (Thread.new { stop(timeout) } && false) if trapped? || supervisor.worker?(Thread.current)

      drain(native, supervisor, timeout)
    end

    # Ends everything now; requests that run get no answer. A ractor that is stuck in native code can't be ended by
    # anyone: it goes with the process.
    #
    # @return [nil]
    def stop!
      return Thread.new { stop! } && nil if trapped?

      parts = @lock.synchronize do
        [@watch, @supervisor, @native, @log].tap { @watch = @supervisor = @native = @log = nil }
      end
      parts.compact.each(&:stop)
      @parting << nil if @parting.num_waiting.positive?
      nil
    end

    # @return [Symbol, nil] what workers are, `:threaded` or `:ractor`; nil while it doesn't run
    def mode = @native && @mode.name

    # @return [String, nil] why it runs in its {#mode}, where `mode :auto` left that to Kino
    def mode_reason = @mode&.reason

    # What is being served now.
    #
    # @return [Array<String>] such as `"GET /report, for 31.2 s"`; without the query, which may hold secrets
    def at_work = @native ? describe(@native.at_work) : []

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

    # In the handler of a signal no lock can be had.
    def trapped?
      @lock.synchronize { false }
    rescue ThreadError
      true
    end

    def launch
      @mode = Mode.of(@app, @configuration)
      settings = @configuration.with(mode: @mode.name)
      native = Native::Server.bind(settings.bind, settings.to_h)
      @log = @configuration.logger && Log.new(@configuration.logger).start
      native.start
      supervisor = supervise(native, settings)
      watch = watch(native, supervisor, settings)
      @native, @supervisor, @watch = native, supervisor, watch
      warn_of(@mode.warning) if @mode.warning
      warn_of("stream_bodies does nothing with one thread in all: half of them may wait for clients") if
        settings.stream_bodies && settings.workers * settings.threads < 2
    ensure
      # Whatever raised, nothing is left half running.
      [supervisor, native, @log].compact.each(&:stop) unless @native
    end

    def warn_of(what) = Teller.new(errors).tell { |io| io.puts "kino: warning: #{what}" }

    # For what goes wrong.
    def errors = @configuration.logger ? Log.streams(@configuration.logger).last : $stderr

    def supervise(native, settings)
      supervisor = Supervisor.new(native, settings.workers, errors) do |start_another|
        plan = plan(native, settings)
        case settings.mode
        when :ractor then Dispatcher::Ractor.new(native, @app, plan, &start_another)
        else Dispatcher::Threaded.new(native, @app, plan)
        end
      end
      supervisor.tap(&:start)
    end

    def plan(native, settings)
      in_ractors = settings.mode == :ractor
      boot, stop = [settings.on_worker_boot, settings.on_worker_stop].map { |hooks| in_ractors ? share(hooks) : hooks }
      Worker::Plan.new(native.number, settings.threads, !in_ractors || settings.threads > 1, settings.environment,
                       settings.early_hints, boot, stop)
    end

    def share(hooks) = hooks.map { |hook| Ractors.share(hook) }.freeze

    def watch(native, supervisor, settings)
      return unless settings.stuck_timeout

      cap = settings.mode == :ractor ? settings.workers : settings.workers * settings.threads
      watch = StuckWatch.new(native, settings.stuck_timeout, cap, errors) do |gvl_group, worker|
        supervisor.replace(gvl_group, worker)
      end
      watch.tap(&:start)
    end

    def drain(native, supervisor, timeout)
      until_then = now + timeout
      lame_duck(native, [timeout, @configuration.drain_delay].min)
      @configuration.on_drain.each { |hook| tell(hook) }
      native.drain
      in_time = supervisor.join([until_then - now, 0].max)
      @given_up = in_time ? [] : describe(native.at_work)
      in_time
    ensure
      stop!
    end

    # Whatever it raises, the others have their turn, and the server stops.
    def tell(hook)
      hook.call
    rescue Exception => error
      Teller.new(errors).tell { |io| Failure.new(@configuration.environment, io).log(nil, error) }
    end

    # Goes on for a while, with answers that end their connections, so that a load balancer notices before it is
    # refused.
    def lame_duck(native, delay)
      return unless delay.positive?

      native.lame_duck
      @parting.pop(timeout: delay)
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def describe(requests) = requests.map { |_, _, seconds, request,| "#{request}, for #{seconds.round(1)} s" }
  end
end
