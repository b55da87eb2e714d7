# frozen_string_literal: true

require_relative "../configuration/address"
require_relative "../control/control"
require_relative "../server/announcement"
require_relative "../server/leaving"
require_relative "../server/service_manager"
require_relative "../server/signals"
require_relative "../server/voice"
require_relative "deaths"
require_relative "fleet"
require_relative "messages"
require_relative "orders"
require_relative "renewal"
require_relative "restart_file"
require_relative "shutdown"
require_relative "site"
require_relative "spawner"
require_relative "statistics"
require_relative "staying"
require_relative "terms"
require_relative "watch"

module Kino
  # The first process of several: it listens, has a mold boot the app and fork those that serve, and looks after them.
  # It runs nothing of the app, and no thread of the engine's; native ones for the control socket, where there is one.
  # Where it can, it has become a program of its own by the time that it does, see {Lean}.
  #
  # ```
  #   parent --fork--> mold --fork--> process 1, process 2, ...      (whose parent is the first one, too)
  # ```
  #
  # @api private
  class Parent
    include Orders
    include Messages
    include Deaths

    # What it listens to, besides what stops a server.
    WORDS = %w[USR1 USR2 TTIN TTOU CHLD].freeze
    # All that, for whoever has them until it listens.
    HEARD = [*Signals::STOP, *WORDS].freeze
    # Seconds between two looks at how the processes are.
    LOOK = 0.5
    private_constant :WORDS, :LOOK

    # @param configuration [Configuration, Terms]
    # @param read [#call] reads the configuration again
    # @param given [Relaunch::Given, nil] what another server, whose place this one takes, has left to it
    # @param listeners [Native::Listeners, nil] sockets that there are already, in place of the addresses
    # @param site [Site, nil] what the processes share, where that is there already
    # @param mold [Array(Wire, Integer), nil] a mold that boots already: a wire to it, and its process id
    # @param lean [Lean, nil] goes on as a program of its own
    # @param signals [Signals]
    # @param manager [ServiceManager] what has started this process, and is told how it is
    # @param notices [Array<String>] what else is to be said at start
    # @param out [IO] for what Kino does
    # @param err [IO] for what goes wrong
    # @param leave [#call] ends the process with a status, without waiting for anything
    # @yieldreturn [#call] the booted app; called in another process
    def initialize(configuration, read: -> { configuration }, given: nil, listeners: given&.listeners, site: nil,
                   mold: nil, lean: nil, notices: [], out: $stdout, err: $stderr,
                   signals: Signals.new(HEARD, []), manager: ServiceManager.new,
                   leave: Leaving.method(:leave), &boot)
      @configuration = configuration
      @read = read
      @given = given
      @listeners = listeners
      @site = site
      @mold = mold
      @lean = lean
      @notices = notices
      @restart_file = RestartFile.new(configuration.restart_file)
      @voice = Voice.new(configuration, out, err)
      @signals = signals
      @manager = manager
      @leave = leave
      @boot = boot
    end

    # Serves until a signal, or anybody else, stops the server.
    #
    # @yieldparam server [Parent] once it listens; where it takes another's place, once it has
    # @return [Integer] the exit status: 0 when everything that ran was finished, 1 when it wasn't in time, or no
    #   process could boot
    # @raise [BindError] when an address can't be listened on; nothing runs then
    def serve(&block)
      # What an app prints is for whoever looks at it now. And before each fork Ruby writes what waits to be written,
      # for ever where nobody reads it.
      $stdout.sync = true
      site = @site || bind
      @listeners = site.listeners
      @spawner = spawner(site)
      Native.subreaper
      first = @mold ? @spawner.adopt(*@mold) : @lean&.go_on(@spawner)
      @renewal = Renewal.new(@spawner, @voice) { unread }
      @watch = Watch.new(@spawner, @renewal, @voice)
      @shutdown = Shutdown.new(@spawner, @voice, @signals, @leave)
      open_control(site.scoreboard)
      first&.wire&.tell("boot")
      Process.setproctitle("kino: parent")
      @signals.trapping { attend(first, &block) }
    ensure
      @listeners&.close
      @control&.close
      @spawner&.children&.each(&:kill)
      @signals.close
      @voice.finish
    end

    # @return [Array<String>] see {Server#urls}
    def urls = @listeners.uris.map { |uri| Configuration::Address.url(uri) }

    # @return [Hash{Symbol => Object}] see {Statistics.of}
    def stats
      slots = @fleet.serving.to_h { |child| [child.index, child.slot] }
      Statistics.of(@spawner.site.scoreboard, slots)
    end

    # The server is to stop, as by a signal.
    #
    # @return [void]
    def stop = @signals.wake(ASKED)
    alias stop! stop

    private

    def bind
      @listeners ||= Native::Listeners.bind(@configuration.bind)
      @listeners.check(@configuration.to_h) # better here than in each process
      Site.new(@configuration, @listeners, Native::Scoreboard.create(Spawner::SLOTS), @read)
    end

    # Without an app to be booted nothing is forked from this process.
    def spawner(site)
      return Spawner.new(site) unless @boot

      require_relative "forker" # with all that such forks run
      Forker.new(site, @signals, &@boot)
    end

    # @param first [Child, nil] a mold that boots the app already
    def attend(first, &block)
      @has_terminal = Signals.terminal?
      follow(@boot && @configuration.preload ? Terms.of(@configuration) : @configuration)
      Process.warmup # what it has is shared with those that are forked from it, as long as nobody writes to it
      @fleet = Fleet.new(@configuration.processes, start: method(:start), retire: @renewal.method(:retire))
      @renewal.fleet = @watch.fleet = @fleet
      @renewal.boot(first)
      @given ? @heir = block : block&.call(self)
      until @shutdown.over?
        @fleet.look unless stopping?
        hear
        reap
        look_around
        report
      end
      @manager.exiting(@configuration.shutdown_timeout)
      @shutdown.finish
    end

    # A server whose place this one takes still listens there.
    def open_control(scoreboard)
      @control = Control.of(@configuration, scoreboard, signals: @signals, has_processes: true)
      @control&.start(waits: !@given.nil?)
      @spawner.control = @control
    end

    def stopping? = @shutdown.begun?

    def children = @spawner.children

    # Goes by these settings from now on.
    def follow(configuration)
      # What was asked for at the control socket is over where another level is written.
      @spawner.site.scoreboard.log_as_configured if configuration.log_level != @configuration.log_level
      @configuration = configuration
      @spawner.site = @spawner.site.with(configuration: configuration)
      @watch.follow(configuration)
      @restart_file.follow(configuration.restart_file)
    end

    # A process for that place; nil while there is nothing to fork it from. What somebody has asked for fails where
    # files are wrong, and then nothing has changed; one that just takes another's place goes on with what that had.
    def start(index, reason)
      goes_on = @announced && reason != :asked
      return @spawner.alone(index, @fleet.size, goes_on: goes_on) unless @configuration.preload

      mold = @renewal.source
      @spawner.member(mold, index, @fleet.size, goes_on: goes_on) || end_deaf(mold) if mold
    rescue SystemCallError # no process, or no descriptor, is to be had
      nil
    end

    # A mold that has left all unread that it was told is stuck; another boots the app.
    def end_deaf(mold)
      mold.fault ||= "it has read nothing of what it was told"
      mold.kill
      nil
    end

    # Waits for signals and messages, but no longer than until there is something to look after.
    def hear
      talking = children.reject { |child| child.wire.closed? }
      patience = [LOOK, @manager.pause, *@reading&.patience, *(@fleet.patience unless stopping?)].min
      readable, = IO.select([@signals, *talking.map(&:wire), *@renewal.overlap&.wire, *@reading], nil, nil, patience)
      return unless readable

      obey(@signals.wait) if readable.include?(@signals)
      talking.each { |child| listen(child) if readable.include?(child.wire) }
    end

    def announce
      @announced = true
      @given ? (take_over or return) : @manager.ready
      Announcement.new(@configuration, @voice).make(mode: @mode || @configuration.mode, urls: urls,
                                                    lines: [*@notices, *@lines], processes: @fleet.size)
    end

    # The server before ends, now that this one serves; until then its pid file is its own. Where this one can't have
    # that, it lets its clients finish, and the one before goes on.
    def take_over
      @heir&.call(self)
      @manager.take_over
      @given.listeners.own_files(true)
      @given.wire.tell("ready")
      true
    rescue ConfigurationError => error
      give_up(error.message) && nil
    end

    def look_around
      look_at_reading
      is_late = @watch.end_overdue
      if stopping? then @shutdown.fault if is_late
      elsif @renewal.look then begin_stop(ASKED, is_replaced: true)
      elsif @announced
        @watch.look
        obey(RESTART) if !@renewal.under_way? && @restart_file.touched?
      else @watch.look_at_boot
      end
    end

    # For who has started this process.
    def report
      return unless @announced

      @manager.settled unless stopping? || @reading || @renewal.under_way?
      @manager.look { Statistics.line(@spawner.site, @fleet, mode: @mode, is_stopping: stopping?) }
    end

    def hand_over(overlap)
      Staying.begin(overlap)
      @manager.hand_over(overlap.pid)
    end

    def begin_stop(token, is_replaced: false)
      unless stopping?
        is_replaced ? hand_over(@renewal.overlap) : @manager.stopping(@configuration.shutdown_timeout)
        @renewal.stop(is_replaced)
        read_no_more
        is_replaced ? @control&.close : @control&.stopping
        return @shutdown.begin(token, is_replaced: is_replaced, is_told: @announced)
      end
      return if token == ASKED || Staying.hand_on?(token)

      @shutdown.insist(token) do
        hear
        reap
      end
    end
  end

  private_constant :Parent
end
