# frozen_string_literal: true

require_relative "../control/plane"
require_relative "../rack/failure"
require_relative "../workers/supervisor"
require_relative "idle_collector"
require_relative "log"
require_relative "mode"
require_relative "teller"

module Kino
  # How a {Server} starts: what it is made of, in the order in which each part needs those before it.
  #
  # @api private
  module Starting
    private

    def launch
      @mode = Mode.of(@app, @configuration)
      settings = @configuration.with(mode: @mode.name, **(@place ? {} : { processes: 1 }))
      @plane ||= ControlPlane.new(@configuration, @place, @number || 1)
      Native.bound_arenas(@mode.name == :threaded)
      native = engine(settings)
      Native.log_as(Log.form(@configuration) == :json, @configuration.log_level.to_s)
      @log = @configuration.logger && Log.new(@configuration.logger).start
      @plane.serve(@signals, waits: @waits || false)
      native.start
      @plane.answer(native, @mode.name)
      @collector = (IdleCollector.new(native).start if settings.gc_when_idle)
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
        @collector&.stop
        @plane&.stop
        native&.stop
        close_listeners
        @log&.stop
      end
    end

    def engine(settings)
      @listeners = @inherited || Native::Listeners.bind(settings.bind)
      @plane.prepare
      more = { **@sharing.to_h, **@plane.place.to_h, **reporting(settings) }
      Native::Engine.on(@listeners, settings.to_h.merge(more))
    end

    def reporting(settings)
      return {} unless @manager

      @manager.reporting("1 process, workers x threads: #{settings.workers} x #{settings.threads_in_words}")
    end

    def warn_of(what) = Teller.new(errors).tell { |io| io.puts "kino: warning: #{what}" }

    # For what goes wrong.
    def errors = Log.outlets(@configuration, $stdout, $stderr).last

    def failure(io) = Failure.new(io, on_error: @configuration.on_error, form: Log.form(@configuration))
  end

  private_constant :Starting
end
