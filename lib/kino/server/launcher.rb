# frozen_string_literal: true

require_relative "../version"
require_relative "log"
require_relative "notices"
require_relative "signals"
require_relative "teller"

module Kino
  # Runs a server for a command: says where it listens, and on INT or TERM lets it finish what runs and ends.
  # A second signal ends the process at once, with the exit status a shell gives a signal: 130 for INT, 143 for TERM.
  #
  # @api private
  class Launcher
    # {Signals#wake} tokens: the server ended by itself; the drain is over.
    ENDED = 128
    DRAINED = 129
    # Somebody asks for a stop, as a signal does.
    ASKED = 130
    private_constant :ENDED, :DRAINED

    # @param configuration [Configuration]
    # @param server [#new] what makes the server: {Server}, or a stand-in
    # @param signals [Signals] what asks the server to stop
    # @param notices [Array<String>] what else is to be said at start
    # @param out [IO] for what Kino does
    # @param err [IO] for what goes wrong
    # @param leave [#call] ends the process with a status, without waiting for threads that may never end
    def initialize(configuration, server: Server, signals: Signals.new, notices: [], out: $stdout, err: $stderr,
                   leave: Process.method(:exit!))
      @configuration = configuration
      @server_class = server
      @signals = signals
      @notices = notices
      out, err = Log.streams(configuration.logger) if configuration.logger
      @streams = [out, err, $stdout, $stderr].uniq
      @out, @err = [out, err].map { |io| Teller.new(io) }
      @leave = leave
    end

    # @param app [#call] a Rack app
    # @yieldparam server [Server] the server, once it listens
    # @return [Integer] the exit status: 0 when everything that ran was finished, 1 when it wasn't in time
    # @raise [BindError] when an address can't be listened on; nothing runs then
    def run(app, &block)
      $stdout.sync = true # what an app prints is for whoever looks at it now
      server = @server_class.new(app, configuration: @configuration)
      @signals.trapping { serve(server, app, &block) }
    ensure
      @signals.close
    end

    private

    def serve(server, app)
      server.start
      announce(server, Notices.new(app, @configuration, server.mode))
      yield server if block_given?
      return 0 unless server.running?

      ended = background(ENDED) { server.run }
      asked = @signals.wait
      return drain(server, asked) unless asked == ENDED

      ended.value
      0
    ensure
      leave_nothing(server, ended)
    end

    # Whatever ended it, an error of the caller's block or another signal too, nothing is left half running. The thread
    # goes first: `run` would start the server again if that was stopped before the thread came to call it.
    def leave_nothing(server, thread)
      thread&.kill&.join
    ensure
      server.stop! if server.running?
    end

    def drain(server, asked)
      timeout = @configuration.shutdown_timeout
      say "Stopping: waiting up to #{timeout} s for requests that run (a second signal ends at once)"
      drained = background(DRAINED) { server.stop(timeout) }
      await_drain(asked == ASKED)
      return overdue(timeout, server.given_up) unless drained.value

      say "Stopped"
      0
    end

    # A framework that asks for the drain when there is a signal may have passed that on, too.
    def await_drain(passed_on)
      loop do
        case token = @signals.wait
        when DRAINED then return
        when ENDED, ASKED then next
        else passed_on ? passed_on = false : leave(128 + token)
        end
      end
    end

    # A thread that is stuck would make an ordinary exit wait for it, for ever.
    def overdue(timeout, requests)
      lines = requests.map { |request| "kino: gave up #{request}" }
      lines.unshift("kino: requests still ran #{timeout} s after the signal (shutdown_timeout); ending without them")
      @err.tell { |io| io.puts lines }
    ensure
      leave(1)
    end

    # The main thread waits for signals all along, so whatever may take long runs beside it.
    def background(token)
      Thread.new do
        Thread.current.report_on_exception = false
        yield
      ensure
        @signals.wake(token)
      end
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

    def leave(status)
      @streams.each { |stream| Teller.new(stream).tell(&:flush) }
      Native.flush_log if defined?(Native)
    ensure
      @leave.call(status)
    end
  end
end
