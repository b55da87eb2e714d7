# frozen_string_literal: true

require_relative "../server/database_pool"
require_relative "../server/leaving"
require_relative "../server/mode"
require_relative "../server/notices"
require_relative "../server/signals"
require_relative "heap_room"
require_relative "lost_threads"
require_relative "member"
require_relative "reading"
require_relative "taken_sockets"
require_relative "terms"
require_relative "tether"
require_relative "warmup"

module Kino
  # The process that has the booted app, and that the serving ones are forked from: they share its memory. It serves
  # nothing itself, and has no thread of Kino's, but for a moment while it reads settings.
  #
  # ```
  #   boot -> on_warmup, before_fork -> collects garbage, compacts -> "booted" -> waits: "fork" -> a Member
  # ```
  #
  # @api private
  class Mold
    # @param site [Site] what all processes of the server share
    # @param wire [Wire] to the parent
    # @yieldreturn [#call] the booted Rack app
    def initialize(site, wire, &boot)
      @site = site
      @configuration = site.configuration
      @wire = wire
      @boot = boot
    end

    # Boots, and forks what the parent asks for until there is no parent any more.
    #
    # @param waits [Boolean] whether the parent is to say first when
    # @return [Integer] the process's exit status
    def run(waits: false)
      return 1 unless Tether.tie(@wire) # the parent has ended before

      Process.setproctitle("kino: mold")
      return 1 unless !waits || @wire.wait

      Signals.new([], Signals::STOP + Signals::STRAY + Signals::TERMINAL).trapping do
        prepare or return 1
        follow
      end
      0
    ensure
      Leaving.bound(@configuration.shutdown_timeout)
    end

    # The same for a process that has served, and has its app.
    #
    # @param app [#call] a Rack app
    # @return [Integer] the process's exit status
    def go_on(app)
      return 1 unless Tether.tie(@wire)

      @app = app
      Process.setproctitle("kino: mold")
      prepare_again or return 1
      follow
      0
    end

    private

    def prepare
      telling do
        @app = @boot.call
        mode = Mode.of(@app, @configuration)
        cold = Warmup.run(@app, @configuration)
        @configuration.before_fork.each(&:call)
        settle
        lost = LostThreads.warning("while it booted", "start them in on_process_boot")
        tell_terms
        @wire.tell("booted", mode.name, *Notices.new(@app, @configuration, mode.name).told(mode, *lost, *cold))
      end
    end

    def prepare_again
      telling do
        TakenSockets.close(@site.listeners.descriptors)
        @configuration.on_refork.each(&:call)
        settle
        lost = LostThreads.warning("while it served", "end them in on_refork, and start them where they are needed")
        @wire.tell("booted", Mode.of(@app, @configuration).name, *(["warning", lost] if lost))
      end
    end

    # Whatever goes wrong, the parent has to hear of it.
    def telling
      yield
    rescue Exception => error
      @wire.tell("failed", Description.brief(error))
      false
    end

    # What two processes can't share is let go of, and what stays is put where forks leave it shared.
    def settle
      refuse_engines
      DatabasePool.disconnect
      HeapRoom.make
      Process.warmup
      HeapRoom.bound
      Native.fill_gaps
    end

    # A server that the app itself has started: its threads hold what no fork may find held.
    def refuse_engines
      running = Native.engines
      return if running.zero?

      raise Error, "the app has started #{running} server#{"s" if running > 1} of Kino's while it booted, and can't " \
                   "be forked with that: start it in on_process_boot, or write preload false"
    end

    def follow
      Native.leave_listeners(true) # it may have served before
      nil while hear&.all? { |message| obey(*message) }
      Leaving.begin(@configuration.shutdown_timeout)
    end

    # What it is told next; nil when there will be nothing any more.
    def hear
      IO.select([@wire, *@reading], nil, nil, @reading&.patience)
      look_at_reading
      @wire.hear
    end

    # Whether it goes on.
    def obey(word, *arguments)
      case word
      when "fork" then fork_member(*arguments.map(&:to_i))
      when "reload" then reload(*arguments)
      when "unread" then unread
      end
      word != "leave"
    end

    # By a process in between, which ends at once: the new one's parent is the server's, not the mold.
    def fork_member(index, slot, size, goes_on)
      descriptor = @wire.take_descriptor
      between = fork do
        Native.die_with("KILL")
        between = Process.pid
        fork { become([index, size], slot, descriptor, between, goes_on: goes_on == 1) }
        exit!(0)
      rescue SystemCallError
        exit!(1)
      end
      @wire.tell("unforked", index, slot) unless forked?(between)
    rescue SystemCallError
      @wire.tell("unforked", index, slot)
    ensure
      descriptor&.close
    end

    # Where the app has the system wait for all that end (`trap("CHLD", "IGNORE")`), nobody knows: then the end of its
    # wire tells.
    def forked?(between)
      Process.wait2(between).last.success?
    rescue Errno::ECHILD
      true
    end

    def become(number, slot, descriptor, between, goes_on:)
      @wire.close
      @reading&.close
      # Its end is not the one that this process is to end with.
      sleep(0.0005) while Process.ppid == between
      wire = Wire.new(descriptor)
      status = Member.new(@site, number, slot, wire, goes_on: goes_on).run(@app)
      exit(status == :mold ? Mold.new(@site, wire).go_on(@app) : status)
    end

    # The file may ask a disk or another server, which takes its time, or for ever; processes that die meanwhile are to
    # be followed by others. Which of its questions is answered, the parent is told.
    def reload(number = nil)
      @reading&.cancel
      @former = nil
      @asked = number
      @reading = Reading.new(@configuration.restart_timeout) { @site.reload }
    end

    def look_at_reading
      outcome = @reading&.look or return
      @reading = nil
      return @wire.tell("unreloaded", @asked, outcome.fault) if outcome.fault

      @former = @site
      go_by(outcome.settings)
      tell_terms
      @wire.tell("reloaded", @asked)
    end

    def tell_terms = @wire.tell("terms", Terms.of(@configuration).dump)

    # Nobody goes by what it was to read, or has read last.
    def unread
      return go_by(@former) if @former && !@reading

      @reading&.cancel
      @reading = nil
    end

    def go_by(site)
      @site = site
      @configuration = site.configuration
    end
  end

  private_constant :Mold
end
