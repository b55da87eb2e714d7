# frozen_string_literal: true

require_relative "../version"
require_relative "leaving"
require_relative "log"
require_relative "notices"
require_relative "signals"
require_relative "teller"

module Kino
  # Runs a server for a command: says where it listens, and on INT, TERM, QUIT or HUP lets it finish what runs and ends.
  # A second one ends the process at once, with the exit status a shell gives a signal (130 for INT, 143 for TERM),
  # unless it comes within a second: then it is the same wish, as where foreman sends INT and TERM.
  #
  # @api private
  class Launcher
    # {Signals#wake} tokens: the server has come to its end; the drain is over; somebody asks for a stop, as a signal
    # does.
    ENDED = 128
    DRAINED = 129
    ASKED = 130
    private_constant :ENDED, :DRAINED, :ASKED

    # @param configuration [Configuration]
    # @param server [#new] what makes the server: {Server}, or a stand-in
    # @param signals [Signals] what asks the server to stop
    # @param notices [Array<String>] what else is to be said at start
    # @param out [IO] for what Kino does
    # @param err [IO] for what goes wrong
    # @param leave [#call] ends the process with a status, without waiting for threads that may never end
    def initialize(configuration, server: Server, signals: Signals.new, notices: [], out: $stdout, err: $stderr,
                   leave: Leaving.method(:leave))
      @configuration = configuration
      @server_class = server
      @signals = signals
      @notices = notices
      out, err = Log.streams(configuration.logger) if configuration.logger
      @streams = [out, err, $stdout, $stderr].uniq
      @out, @err = [out, err].map { |io| Teller.new(io) }
      @leave = leave
      @strays = []
    end

    # Serves the app until a signal, or anybody else, stops the server.
    #
    # @param app [#call] a Rack app
    # @yieldparam server [Server] the server, once it listens
    # @return [Integer] the exit status: 0 when everything that ran was finished, 1 when it wasn't in time
    # @raise [BindError] when an address can't be listened on; nothing runs then
    def serve(app, &block)
      $stdout.sync = true # what an app prints is for whoever looks at it now
      server = @server_class.new(app, configuration: @configuration)
      server.command = self
      @signals.trapping { attend(server, app, &block) }
    ensure
      server&.command = nil
      @signals.close
      [@out, @err].each(&:finish)
    end

    # The server is to stop, as by a signal. May be called on any thread, and by the handler of a signal.
    #
    # @return [void]
    def stop = @signals.wake(ASKED)

    # The server has come to its end.
    #
    # @return [void]
    def ended = @signals.wake(ENDED)

    private

    def attend(server, app)
      server.start
      announce(server, Notices.new(app, @configuration, server.mode))
      yield server if block_given?
      asked = await_stop
      return drain(server, asked) unless asked == ENDED

      server.join
      0
    ensure
      # Whatever ended it, an error of the caller's block or another signal too, nothing is left half running.
      server.halt if server.running?
    end

    # What a signal's number means, or a token.
    def await_stop
      loop do
        token = @signals.wait
        return token unless stray?(token)
      end
    end

    # Those that would end the process are no reason to; each is told of once.
    def stray?(token)
      name = Signal.signame(token)
      return false unless Signals::STRAY.include?(name)

      unless @strays.include?(name)
        @strays << name
        line = "kino: SIG#{name} does nothing here; #{Signals::STOP.join(", ")} stop the server"
        @err.tell { |io| io.puts line }
      end
      true
    end

    # The main thread waits for signals all along, so the drain runs beside it.
    def drain(server, asked)
      timeout = @configuration.shutdown_timeout
      say "Stopping: waiting up to #{timeout} s for requests that run (a second signal ends at once)"
      drained = begin_drain(server, timeout)
      @signals.heard(asked)
      await_drain(server)
      return overdue(server, timeout) unless drained.value

      say "Stopped"
      0
    end

    def begin_drain(server, timeout)
      Thread.new do
        Thread.current.report_on_exception = false
        server.drain(timeout)
      ensure
        @signals.wake(DRAINED)
      end
    end

    def await_drain(server)
      loop do
        token = await_stop
        return if token == DRAINED
        next if token == ENDED || token == ASKED || @signals.same_wish?(token)

        leave(server, 128 + token)
      end
    end

    # A thread that is stuck would make an ordinary exit wait for it, for ever.
    def overdue(server, timeout)
      lines = server.aborted.map { |request| "kino: gave up #{request}" }
      lines.unshift("kino: requests still ran #{timeout} s after the signal (shutdown_timeout); ending without them")
      @err.tell { |io| io.puts lines }
    ensure
      leave(server, 1)
    end

    def announce(server, notices)
      say "Kino #{VERSION} (#{RUBY_ENGINE} #{RUBY_VERSION}, #{workforce(server)}, #{@configuration.environment}), " \
          "pid #{Process.pid}"
      say "Mode auto: #{server.mode}, since #{server.mode_reason}" if server.mode_reason
      @configuration.notes.each { |note| say note }
      [*@notices, *notices.lines].each { |line| say line }
      notices.warnings.each { |warning| @err.tell { |io| io.puts "kino: warning: #{warning}" } }
      server.urls.each { |url| say "Listening on #{url}" }
      say "Ctrl-C drains and stops"
    end

    def workforce(server)
      settings = @configuration.with(mode: server.mode)
      workers, threads = settings.workers, settings.threads
      "#{server.mode}: #{workers} worker#{"s" if workers > 1} x #{threads} thread#{"s" if threads > 1}"
    end

    # Whoever reads this may have gone, or the disk be full; that is no reason to stop serving.
    def say(line)
      @out.tell { |io| io.puts line } unless @configuration.quiet
    end

    def leave(server, status)
      server.halt if server.running?
      @streams.each { |stream| Teller.new(stream).tell(&:flush) }
      Native.flush_log if defined?(Native)
    ensure
      @leave.call(status)
    end
  end

  private_constant :Launcher
end
