# frozen_string_literal: true

require_relative "../server/launcher"
require_relative "../server/activated_sockets"
require_relative "../server/leaving"
require_relative "../server/pid_file"
require_relative "../server/service_manager"
require_relative "lean"
require_relative "mold"
require_relative "parent"
require_relative "relaunch"
require_relative "staying"

# A Rack 3 web server with a Rust core.
module Kino
  # What a command does with its app: serves it in this process, or in several; or boots it for those of another, which
  # has started this one.
  #
  # @api private
  class Command
    # @param configuration [Configuration]
    # @param read [#call] reads it again, called with the environment
    # @param whole [Boolean] whether the process is there for nothing else, see {Lean}
    # @param rest [Hash{Symbol => Object}] what else {Launcher#initialize} and {Parent#initialize} take
    # @yieldreturn [#call] the booted Rack app
    def initialize(configuration, read:, whole: false, **rest, &boot)
      @configuration = configuration
      environment = ENV.to_h # an app that boots makes it another, by a .env or RACK_ENV
      @read = -> { read.call(environment) }
      @whole = whole
      @rest = rest
      @boot = boot
    end

    # Serves until it is told to stop, or boots for those of the other.
    #
    # @yieldparam server [Server, Parent] once it listens
    # @return [Integer] the exit status
    # @raise [BindError] when an address can't be listened on
    def serve(&block)
      Native.trim_stack # which all processes have that are forked from this one
      Native.bound_arenas(true) if @configuration.mode == :threaded # before the app has threads that allocate
      $stdout.sync = true # what an app prints is for whoever looks at it now, in all processes
      given = Relaunch.take
      manager = ServiceManager.take(waits: !given.nil?)
      return mold(given) if given&.mold?

      stay(given, manager) if Thread.current == Thread.main
      PidFile.check(@configuration.pidfile)
      rest = { given: given, manager: manager, **@rest, **sockets(given) }
      ready = lambda do |server|
        PidFile.keep(@configuration.pidfile)
        block&.call(server)
      end
      if @configuration.processes > 1
        check_access_log
        rest[:lean] = Lean.new(@configuration, **rest) if @whole && Lean.possible?(@configuration, **rest)
        Parent.new(@configuration, read: @read, **rest, &@boot).serve(&ready)
      else
        # On another thread than the main one, such as a test's, signals are somebody else's.
        signals = Thread.current == Thread.main ? Signals.new : Signals.new([])
        launcher = Launcher.new(@configuration, signals: signals, **rest)
        launcher.serve(launcher.boot(&@boot), &ready)
      end
    ensure
      # On another thread than the main one, it is no concern of Kino's how the process ends.
      Leaving.bound(@configuration.shutdown_timeout) if Thread.current == Thread.main
    end

    private

    # Where another server takes this one's place, see {Staying}.
    def stay(given, manager)
      return Staying.follow if given

      Staying.wanted = !manager.there? && !Relaunch.background? && !Relay.behind?
    end

    # Those that there are already, which another server or systemd has opened, and what is to be said of them.
    def sockets(given)
      if given
        changed = "bind changed, which takes a stop and another start" if given.addresses != @configuration.bind
        Relaunch.addresses = given.addresses
        return { listeners: given.listeners, notices: [*@rest[:notices], *changed] }
      end

      Relaunch.addresses = @configuration.bind
      activated = ActivatedSockets.take
      listeners = activated.listeners(@configuration)
      activated.close_rest
      { listeners: listeners, notices: [*@rest[:notices], *activated.notes] }
    end

    # Each process opens it; what they can't is to be known before they are forked.
    def check_access_log
      path = @configuration.access_log
      flags = File::WRONLY | File::APPEND | File::CREAT | File::NONBLOCK # of a pipe, too, that nobody reads
      File.open(path, flags) { nil } if path.is_a?(String)
    rescue SystemCallError => error
      cure = "write the path of a file in a folder that exists, or leave access_log out"
      cure = "nobody reads that pipe; start who does first" if error.is_a?(Errno::ENXIO)
      raise ConfigurationError, "access_log: #{path} can't be opened (#{error.message[/\A[^@]+/].strip}); #{cure}"
    end

    # Who started it waits for it, says what there is to say, and ends it.
    def mold(given)
      site = Site.new(@configuration, given.listeners, given.scoreboard, @read)
      Mold.new(site, given.wire, &@boot).run
    end
  end

  Relaunch.remember
  private_constant :Command
end
