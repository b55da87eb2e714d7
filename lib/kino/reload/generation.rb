# frozen_string_literal: true

require_relative "../processes/tether"
require_relative "../processes/wire"
require_relative "../rack/description"
require_relative "../server/leaving"
require_relative "../server/server"
require_relative "../server/signals"
require_relative "../server/voice"
require_relative "files"
require_relative "gate"
require_relative "handover"
require_relative "observer"
require_relative "settings"

module Kino
  module Reload
    # A process that boots the app as it is now, and serves it until anything of it has changed. Then the parent starts
    # another, and this one accepts no more, hands what still comes over to that one, and ends when all that runs is
    # over, however long that takes: it may be at a breakpoint.
    #
    # ```
    #   boots -> serves: "serving" -> a file has changed: "stale" -> finishes what runs -> ends
    # ```
    #
    # An app that can't be booted is served, too: every request gets the error, until a file has changed.
    #
    # @api private
    class Generation
      # Seconds that requests of old code have: as long as they want.
      EVER = 86_400
      # {Signals#wake} tokens: a file has changed; the server has come to its end.
      STALE = 128
      ENDED = 129
      # Seconds between two looks at whether all is over.
      LOOK = 0.05
      private_constant :EVER, :STALE, :ENDED, :LOOK

      # What stands in the place of an app that could not be booted. It raises an error of its own for each request.
      Broken = Data.define(:error) do
        # @param _env [Hash]
        # @raise [AppLoadError]
        def call(_env) = raise(AppLoadError, message, [], cause: error.is_a?(Kino::Error) ? error.cause : error)

        # @return [String]
        def message
          error.is_a?(Kino::Error) ? error.message : "the app has ended its boot: #{Description.brief(error)}"
        end
      end
      private_constant :Broken

      # @param configuration [Configuration] the parent's
      # @param number [Integer] which one it is, from 1
      # @param listeners [Native::Listeners] the parent's
      # @param handover [Handover]
      # @param wire [Wire] to the parent
      # @param voice [Voice]
      def initialize(configuration, number, listeners, handover, wire, voice)
        @configuration = configuration
        @number = number
        @listeners = listeners
        @handover = handover
        @wire = wire
        @voice = voice
      end

      # Serves until it is over.
      #
      # @param read [#call] reads the configuration again
      # @yieldreturn [#call] the booted Rack app
      # @return [Integer] the process's exit status
      def run(read, &boot)
        return 1 unless Tether.tie(@wire) # the parent has ended before

        @signals = Signals.new(%w[TERM], %w[INT QUIT HUP] + Signals::STRAY + Signals::TERMINAL)
        @signals.trapping { serve(read, &boot) }
      rescue Kino::Error => error # such as a hook that raises: where the app isn't there yet, no page can tell
        @voice.complain(error.message)
        1
      end

      # The server has come to its end. Called by it.
      #
      # @return [void]
      def ended = @signals.wake(ENDED)

      # The app has asked for a stop of its server: the parent's to do.
      #
      # @return [void]
      def stop = @wire.tell("stop")

      private

      def serve(read, &boot)
        files = Files.new(File.dirname(File.expand_path(@configuration.rackup)))
        app = boot_app(read, &boot)
        files.booted
        gate = gate_of(app, files)
        start(gate)
        Native.die_with("TERM")
        @wire.tell("serving")
        observer = Observer.new(gate, files.folder).start
        is_stale = await(gate)
        observer.stop
        finish(is_stale)
      ensure
        @server&.halt
      end

      # Settings are read again, too, as far as they don't make the sockets.
      def boot_app(read)
        @configuration = Reload.settings(read.call, @configuration.bind)
        yield
      rescue Exception => error
        Broken.new(error).tap { |broken| @voice.complain(broken.message) }
      end

      def gate_of(app, files)
        Gate.new(app, files, @number, @handover, @configuration.restart_timeout) do |path|
          @wire.tell("stale", path)
          @signals.wake(STALE)
        end
      end

      def start(gate)
        @server = Server.new(gate, configuration: @configuration)
        @server.command = self
        @server.inherit(@listeners.with([@handover.uri(@number)]), others_serve: true, goes_on: true)
        @server.start
      end

      # Whether it was for new code that it is to end.
      def await(gate)
        loop do
          readable, = IO.select([@signals, @wire])
          if readable.include?(@signals)
            token = @signals.wait
            @server.join if token == ENDED # which raises why
            return token == STALE
          end
          words = @wire.hear or return false
          gate.stale?("on request") if words.flatten.include?("reload")
        end
      end

      def finish(is_stale)
        patience = @configuration.shutdown_timeout
        thread = Thread.new { @server.drain(is_stale ? EVER : patience, is_replaced: is_stale) }
        thread.report_on_exception = false
        until_then = nil
        until thread.join(LOOK)
          until_then ||= now + patience if is_stale && told_to_stop?
          return give_up if until_then && now > until_then
        end
        return give_up unless thread.value

        Leaving.bound(patience)
        0
      end

      # Its requests have had their time. A thread that is stuck would make an ordinary exit wait for it.
      def give_up
        requests = @server.running? ? @server.in_flight : @server.aborted
        @server.halt
        @voice.complain(*requests.map { |request| "gave up #{request}" })
        @voice.flush
        Leaving.leave(1)
      end

      def told_to_stop?
        return true if @signals.to_io.wait_readable(0) && @signals.wait == Signal.list.fetch("TERM")

        @wire.to_io.wait_readable(0) && @wire.hear.nil?
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  private_constant :Reload
end
