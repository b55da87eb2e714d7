# frozen_string_literal: true

require_relative "../control/plane"
require_relative "../processes/boots"
require_relative "../processes/restart_file"
require_relative "announcement"
require_relative "leaving"
require_relative "notices"
require_relative "service_manager"
require_relative "signals"
require_relative "stopping"
require_relative "takeover"
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
    include Stopping
    include Takeover

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

    def announce(server, notices)
      lines = ["Mode auto: #{server.mode}, since #{server.mode_reason}"] if server.mode_reason
      Announcement.new(@configuration, @voice).make(mode: server.mode, urls: server.urls,
                                                    lines: [*lines, *@notices, *notices.lines])
      notices.warnings.each { |warning| @voice.complain("warning: #{warning}") }
    end

    def say(line) = @voice.say(line)
  end

  private_constant :Launcher
end
