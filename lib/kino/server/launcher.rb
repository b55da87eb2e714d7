# frozen_string_literal: true

require_relative "../control/plane"
require_relative "../processes/boots"
require_relative "../processes/overlap"
require_relative "../processes/restart_file"
require_relative "announcement"
require_relative "leaving"
require_relative "notices"
require_relative "service_manager"
require_relative "signals"
require_relative "voice"

module Kino
  # Runs a server for a command: says where it listens, and on INT, TERM, QUIT or HUP lets it finish what runs and ends.
  # A second one ends the process at once, with the exit status a shell gives a signal (130 for INT, 143 for TERM),
  # unless it comes within a second: then it is the same wish, as where foreman sends INT and TERM. On USR1 and USR2
  # another server is started beside this one, which ends when that one serves. HUP opens the access log anew where that
  # is a file and there is no terminal, whose end HUP would be.
  #
  # @api private
  class Launcher
    # {Signals#wake} tokens: the server has come to its end; the drain is over; somebody asks for a stop, as a signal
    # does; another server serves in its place.
    ENDED = 128
    DRAINED = 129
    ASKED = 130
    REPLACED = 131
    # What a touched file asks for.
    RESTART = Signal.list.fetch("USR2")
    # Seconds after which a signal was heard of late.
    LATE = 0.5
    private_constant :ENDED, :DRAINED, :ASKED, :REPLACED, :RESTART, :LATE

    # @param configuration [Configuration]
    # @param given [Relaunch::Given, nil] what another server, whose place this one takes, has left to it
    # @param listeners [Native::Listeners, nil] sockets that there are already, in place of the addresses
    # @param server [#new] what makes the server: {Server}, or a stand-in
    # @param signals [Signals] what asks the server to stop
    # @param manager [ServiceManager] what has started this process, and is told how it is
    # @param notices [Array<String>] what else is to be said at start
    # @param out [IO] for what Kino does
    # @param err [IO] for what goes wrong
    # @param leave [#call] ends the process with a status, without waiting for threads that may never end
    def initialize(configuration, given: nil, listeners: given&.listeners, server: Server, signals: Signals.new,
                   manager: ServiceManager.new, notices: [], out: $stdout, err: $stderr,
                   leave: Leaving.method(:leave))
      @configuration = configuration
      @given = given
      @listeners = listeners
      @server_class = server
      @signals = signals
      @manager = manager
      @notices = notices
      @restart_file = RestartFile.new(configuration.restart_file)
      @voice = Voice.new(configuration, out, err)
      @leave = leave
    end

    # Has the app boot, while the control socket tells that it does.
    #
    # @yieldreturn [#call] the booted Rack app
    # @return [#call] what is to be served
    # @raise [BindError] when the socket can't be had; nothing is booted then
    def boot(&)
      @plane = ControlPlane.new(@configuration)
      came = []
      app = @signals.sparing(came) { @plane.while_booting(@signals, @voice, waits: !@given.nil?, &) }
      came.uniq.each { |name| say "SIG#{name} does nothing before the app is booted" }
      app
    ensure
      @plane.stop unless app
    end

    # Serves the app until a signal, or anybody else, stops the server.
    #
    # @param app [#call] a Rack app
    # @yieldparam server [Server] the server, once it listens
    # @return [Integer] the exit status: 0 when everything that ran was finished, 1 when it wasn't in time
    # @raise [BindError] when an address can't be listened on; nothing runs then
    def serve(app, &block)
      $stdout.sync = true # what an app prints is for whoever looks at it now
      @boots = Boots.new(@configuration)
      @server = server = @server_class.new(app, configuration: @boots.configuration)
      server.command = self
      server.control_with(@signals, waits: !@given.nil?, plane: @plane)
      server.manager = @manager if @manager.there?
      server.inherit(@listeners, others_serve: !@given.nil?) if @listeners
      @reopens = (@configuration.access_log || tls?) && !@manager.there? && !Signals.terminal?
      @signals.trapping { attend(server, app, &block) }
    ensure
      server&.command = nil
      server&.control_with(nil)
      @plane&.stop
      @signals.close
      @boots&.close
      @voice.finish
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

    def attend(server, app, &block)
      server.start
      server.attend(@signals.summons)
      announce(server, Notices.new(app, @configuration, server.mode))
      block&.call(server) unless @given
      @begin = -> { begin_serving(server, &block) }
      look_at_boots
      asked = await_stop(server)
      return drain(server, asked) unless asked == ENDED

      server.join
      0
    ensure
      # Whatever ended it, an error of the caller's block or another signal too, nothing is left half running.
      server.halt if server.running?
      @overlap&.give_up
    end

    # Once, when all workers have booted: only then is it worth another's place.
    def look_at_boots
      return unless @begin && @boots.all?(@server.mode)

      @begin.call
      @begin = nil
    end

    # The one before, if there is one, ends, now that this one serves, and has told the manager so. Until then its files
    # are its own.
    def begin_serving(server)
      return @manager.ready unless @given

      yield server if block_given?
      @manager.take_over
      @given.listeners.own_files(true)
      @given.wire.tell("ready")
    end

    # What a signal's number means, or a token.
    def await_stop(server)
      loop do
        token = following
        token = heed(server) if token == Control::ASKED
        next reopen_logs if @reopens && token && Signal.signame(token) == "HUP"
        return token unless token.nil? || restarts?(token)

        begin_overlap(server) if token && server
      end
    end

    # To a service manager HUP is what reloads (`Type=notify-reload`); the others are what restarts other servers.
    def restarts?(token)
      name = Signal.signame(token)
      Signals::STRAY.include?(name) || (name == "HUP" && @manager.there?)
    end

    def log_file? = @configuration.access_log.is_a?(String)

    def tls? = @configuration.bind.any? { |address| address.start_with?("ssl:") }

    def reopen_logs
      @server.reopen_logs
      @server.reload_certificates
      say "Opening the access log anew" if log_file?
      say "The access log goes to standard output, which is not opened anew" if @configuration.access_log == :stdout
      say "Reading the certificates again" if tls?
    end

    # The next one; nil when nothing has come, or a server that was to take this one's place will not.
    def following
      source = @overlap || @restart_file
      sources = [@signals, @overlap&.wire, (@boots.to_io if @begin)].compact
      return @signals.wait if sources.one? && source.patience.nil?

      readable, = IO.select(sources, nil, nil, source.patience)
      return @signals.wait if readable&.include?(@signals)

      look_at_boots
      @overlap ? look_at_overlap : (RESTART if @restart_file.touched?)
    end

    def look_at_overlap
      outcome = @overlap.look
      tell_failure(@overlap.give_up) if outcome == :failed
      REPLACED if outcome == :ready
    end

    # What was asked for at the control socket, as signals ask for it.
    def heed(server)
      actions = @server.control&.hear(@voice) || []
      return ASKED if actions.include?("stop")

      actions.each { server ? begin_overlap(server) : say("Nothing else is done any more: the server stops") }
      nil
    end

    def begin_overlap(server)
      @manager.reloading(@configuration.restart_timeout)
      return say("A restart is under way") if @overlap

      say "Restarting: another server is started beside this one"
      @overlap = Overlap.new(server.listeners, @configuration.restart_timeout)
    rescue SystemCallError => error
      tell_failure(error.message)
    end

    def tell_failure(fault)
      @overlap = nil
      @manager.settled
      @voice.complain("the restart is given up, and all goes on as before: #{fault}")
    end

    # The main thread waits for signals all along, so the drain runs beside it.
    def drain(server, asked)
      @begin = nil
      timeout = time_left(server)
      say "Stopping: waiting up to #{timeout} s for requests that run (a second signal ends at once)"
      asked == REPLACED ? hand_over(server) : give_none_over(timeout)
      Leaving.begin(timeout)
      @overlap = nil
      drained = begin_drain(server, timeout, is_replaced: asked == REPLACED)
      @signals.heard(asked)
      await_drain(server)
      @manager.exiting(timeout)
      return overdue(server) unless drained.value

      say "Stopped"
      0
    end

    # It counts from the signal on, which Ruby may hear of late. By tenths of a second, where that is worth a word.
    def time_left(server)
      timeout, ago = @configuration.shutdown_timeout, server.summoned
      ago < LATE ? timeout : [timeout - ago, 0].max.round(1)
    end

    def hand_over(server)
      @manager.hand_over(@overlap.pid)
      server.listeners.own_files(false)
    end

    def give_none_over(timeout)
      @manager.stopping(timeout)
      @server.control&.stopping
      @overlap&.give_up
    end

    def begin_drain(server, timeout, **options)
      Thread.new do
        Thread.current.report_on_exception = false
        server.drain(timeout, **options)
      ensure
        @signals.wake(DRAINED)
      end
    end

    def await_drain(server)
      loop do
        token = await_stop(nil)
        return if token == DRAINED
        next if token == ENDED || token == ASKED || @signals.same_wish?(token) || hurry(server, token)

        leave(server, 128 + token)
      end
    end

    # While it goes on for drain_delay, a second signal ends that, and nothing else.
    def hurry(server, token)
      return false unless server.hurry

      say "Draining at once"
      @signals.heard(token)
      true
    end

    # A thread that is stuck would make an ordinary exit wait for it, for ever.
    def overdue(server)
      timeout = @configuration.shutdown_timeout
      lines = server.aborted.map { |request| "gave up #{request}" }
      @voice.complain("requests still ran #{timeout} s after the signal (shutdown_timeout); ending without them",
                      *lines)
    ensure
      leave(server, 1)
    end

    def announce(server, notices)
      lines = ["Mode auto: #{server.mode}, since #{server.mode_reason}"] if server.mode_reason
      Announcement.new(@configuration, @voice).make(mode: server.mode, urls: server.urls,
                                                    lines: [*lines, *@notices, *notices.lines])
      notices.warnings.each { |warning| @voice.complain("warning: #{warning}") }
    end

    def say(line) = @voice.say(line)

    def leave(server, status)
      server.halt if server.running?
      @voice.flush
    ensure
      @leave.call(status)
    end
  end

  private_constant :Launcher
end
