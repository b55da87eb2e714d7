# frozen_string_literal: true

require_relative "../server/leaving"
require_relative "../server/server"
require_relative "../server/signals"
require_relative "../server/voice"
require_relative "../version"
require_relative "fleet"
require_relative "health"
require_relative "site"
require_relative "spawner"

module Kino
  # The first process of several: it listens, has a mold boot the app and fork those that serve, and looks after them.
  # It runs nothing of the app, and no thread of the engine's.
  #
  # ```
  #   parent --fork--> mold --fork--> process 1, process 2, ...      (whose parent is the first one, too)
  # ```
  #
  # @api private
  class Parent
    # What it listens to, besides what stops a server.
    WORDS = %w[USR1 USR2 TTIN TTOU CHLD].freeze
    # Places on the scoreboard: for those that serve, their successors, and those that are still leaving.
    SLOTS = 1024
    # Seconds between two looks at how the processes are.
    LOOK = 0.5
    # Seconds that a process which can't be heard any more has to be gone in.
    LAST_MOMENT = 1
    # {Signals#wake} token: somebody asks for a stop, as a signal does.
    ASKED = 128
    private_constant :WORDS, :SLOTS, :LOOK, :LAST_MOMENT, :ASKED

    # @param configuration [Configuration]
    # @param signals [Signals]
    # @param notices [Array<String>] what else is to be said at start
    # @param out [IO] for what Kino does
    # @param err [IO] for what goes wrong
    # @param leave [#call] ends the process with a status, without waiting for anything
    # @yieldreturn [#call] the booted app; called in another process
    def initialize(configuration, signals: Signals.new(Signals::STOP + WORDS, []), notices: [], out: $stdout,
                   err: $stderr, leave: Leaving.method(:leave), &boot)
      @configuration = configuration
      @signals = signals
      @notices = notices
      @voice = Voice.new(configuration, out, err)
      @leave = leave
      @boot = boot
      @children = []
      @aborted = []
      @status = 0
    end

    # Serves until a signal, or anybody else, stops the server.
    #
    # @yieldparam server [Parent] once it listens
    # @return [Integer] the exit status: 0 when everything that ran was finished, 1 when it wasn't in time, or no
    #   process could boot
    # @raise [BindError] when an address can't be listened on; nothing runs then
    def serve(&block)
      @listeners = Native::Listeners.bind(@configuration.bind)
      site = Site.new(@configuration, @listeners, Native::Scoreboard.create(SLOTS))
      @spawner = Spawner.new(site, @signals, &@boot)
      @health = Health.new(site.scoreboard, @configuration)
      Native.subreaper
      Process.setproctitle("kino: parent")
      @signals.trapping { attend(&block) }
    ensure
      @listeners&.close
      @children.each(&:kill)
      @signals.close
      @voice.finish
    end

    # The server is to stop, as by a signal.
    #
    # @return [void]
    def stop = @signals.wake(ASKED)
    alias stop! stop

    private

    def attend
      @fleet = Fleet.new(@configuration.processes) { |index| start(index) }
      @mold = add(@spawner.mold) if @configuration.preload
      yield self if block_given?
      until over?
        @fleet.look unless stopping?
        hear
        reap
        watch
      end
      finish
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def stopping? = !@stopped_by.nil?

    def over? = stopping? && @children.empty?

    # A process for that place; nil while there is nothing to fork it from.
    def start(index)
      slot = (0...SLOTS).find { |number| @children.none? { |child| child.slot == number } }
      return add(@spawner.alone(index, slot)) unless @configuration.preload

      add(@spawner.member(@mold, index, slot)) if @mold&.served_since
    end

    def add(child)
      @children << child
      child
    end

    # Waits for signals and messages, but no longer than until there is something to look after.
    def hear
      wires = @children.reject { |child| child.wire.closed? }
      patience = [LOOK, *(@fleet.patience unless stopping?)].min
      readable, = IO.select([@signals, *wires.map(&:wire)], nil, nil, patience)
      return unless readable

      obey(@signals.wait) if readable.include?(@signals)
      wires.each { |child| listen(child) if readable.include?(child.wire) }
    end

    def obey(token)
      return begin_stop(token) if token == ASKED

      name = Signal.signame(token)
      begin_stop(token) if Signals::STOP.include?(name)
    end

    def listen(child)
      messages = child.wire.hear
      return child.wire.close unless messages

      messages.each { |word, *rest| take(child, word, rest) }
    end

    # A message.
    def take(child, word, rest)
      case word
      when "hello" then child.pid = rest.first.to_i
      when "failed" then child.fault = rest.first
      when "booted" then booted(child, *rest)
      when "ready" then ready(child)
      when "stop" then begin_stop(ASKED)
      when "left" then @aborted.concat(rest)
      when "unforked" then unforked(*rest.map(&:to_i))
      end
    end

    # A mold has booted the app.
    def booted(mold, mode, *said)
      mold.ready
      @mode ||= mode
      said.each_slice(2) { |kind, line| kind == "line" ? (@lines ||= []) << line : @voice.complain("warning: #{line}") }
    end

    def ready(child)
      child.ready
      @fleet.ready(child)
      return child.drain if stopping?

      announce if !@announced && @fleet.complete?
    end

    # The system gave the mold no process.
    def unforked(index, slot)
      child = @children.find { |one| one.index == index && one.slot == slot && one.pid.nil? }
      child&.wire&.close
    end

    def announce
      @announced = true
      settings = @mode ? @configuration.with(mode: @mode.to_sym) : @configuration
      @voice.say "Kino #{VERSION} (#{RUBY_ENGINE} #{RUBY_VERSION}, #{@fleet.size} processes x #{workforce(settings)}, " \
                 "#{settings.environment}), pid #{Process.pid}"
      [*@configuration.notes, *@notices, *@lines].each { |line| @voice.say line }
      @listeners.uris.each { |uri| @voice.say "Listening on #{uri.sub(/\Atcp:/, "http:")}" }
      @voice.say "Ctrl-C drains and stops"
    end

    def workforce(settings)
      workers, threads = settings.workers, settings.threads
      "#{settings.mode}: #{workers} worker#{"s" if workers > 1} x #{threads} thread#{"s" if threads > 1}"
    end

    # Who is gone?
    def reap
      @children.select { |child| gone?(child) }.each { |child| bury(child, *@statuses&.delete(child)) }
    end

    # The end of its wire tells it, too, where it is nobody's to be waited for.
    def gone?(child)
      status = child.pid && Process.wait2(child.pid, Process::WNOHANG)&.last
      (@statuses ||= {})[child] = status if status
      return true if status

      child.wire.closed? && child.pid.nil?
    rescue Errno::ECHILD
      child.wire.closed?
    end

    def bury(child, status = nil)
      @children.delete(child)
      child.wire.close
      @health.forget(child)
      @status = 1 if stopping? && status && !status.success?
      return mold_gone(child, status) unless child.index

      told(child, status, stopping? ? :left : @fleet.gone(child))
    end

    def told(child, status, outcome)
      case outcome
      when :died then @voice.complain("#{child} died#{cause(status)}; another takes its place")
      when :unbooted then @voice.complain("#{child} could not boot#{cause(status)}: #{child.fault}")
      when :hopeless
        give_up("#{child} could not boot #{Fleet::ATTEMPTS} times in a row, so the server ends; the last time: " \
                "#{child.fault || "it ended#{cause(status)}"}")
      end
    end

    def cause(status)
      return "" if status.nil?

      status.signaled? ? " (SIG#{Signal.signame(status.termsig)})" : " (status #{status.exitstatus})"
    end

    def mold_gone(child, status)
      return unless child == @mold && !stopping?

      @mold = nil
      return give_up(child.fault || "the app could not be booted: its process ended#{cause(status)}") unless @announced

      @voice.complain("#{child} died#{cause(status)}; another boots the app anew")
      @mold = add(@spawner.mold)
    end

    def give_up(reason)
      @voice.complain(reason)
      @status = 1
      begin_stop(nil)
    end

    # Processes that are stuck, and those that have not left in time.
    def watch
      @children.each { |child| end_overdue(child) if child.deadline && now > child.deadline }
      return if stopping?

      @health.stuck(@fleet.serving).each do |child, why|
        @voice.complain("#{child} #{why}; it is ended, and another takes its place")
        child.kill
      end
    end

    def end_overdue(child)
      @status = 1 if stopping?
      child.kill
    end

    def begin_stop(token)
      return insist(token) if stopping?

      @stopped_by = token || ASKED
      timeout = @configuration.shutdown_timeout
      if @announced
        @voice.say "Stopping: waiting up to #{timeout} s for requests that run (a second signal ends at once)"
      end
      @signals.heard(token)
      @listeners.close
      @children.each(&:drain)
    end

    # A second signal.
    def insist(token)
      return if token.nil? || token == ASKED || @signals.same_wish?(token)

      @children.each(&:halt)
      until_then = now + LAST_MOMENT
      while now < until_then && @children.any?
        hear
        reap
      end
      @children.each(&:kill)
      @voice.flush
      @leave.call(128 + token)
    end

    def finish
      unless @aborted.empty?
        @voice.complain("requests still ran #{@configuration.shutdown_timeout} s after the signal (shutdown_timeout); " \
                        "ending without them", *@aborted.map { |request| "gave up #{request}" })
      end
      @voice.say "Stopped" if @status.zero?
      @status
    end
  end

  private_constant :Parent
end
