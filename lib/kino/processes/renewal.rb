# frozen_string_literal: true

require_relative "molds"
require_relative "overlap"
require_relative "undoing"

module Kino
  # Replaces what runs while it serves: the app by one that is booted anew, settings by those of a changed file,
  # processes by such that share more memory, and the whole server by another.
  #
  # @api private
  class Renewal
    include Undoing

    # What is said of each, while it is under way and when it is done.
    WORDS = {
      restart: ["Restarting: the app is booted anew beside what runs", "Restarted"],
      refork: ["Reforking: all processes are to be forked from one that has served", "Reforked"],
      reload: ["Reloading: settings are read again", "Reloaded"],
      return: [nil, "Gone back"]
    }.freeze
    # Seconds until the app is booted again after a mold has died while it booted, doubled for each further one.
    SHORT = 0.5
    LONG = 30
    # Seconds after which a mold that can tell has told that its settings could not be read in time.
    MOMENT = 2
    private_constant :WORDS, :SHORT, :LONG, :MOMENT

    # @return [Overlap, nil] a server that is to take this one's place
    attr_reader :overlap

    # @param spawner [Spawner]
    # @param voice [Voice]
    # @yield where nobody goes by settings that were read again: those before are to hold
    def initialize(spawner, voice, &undo)
      @spawner = spawner
      @voice = voice
      @undo = undo
      @molds = Molds.new
      @until = now
      @delay = 0
    end

    # @return [Fleet] the processes that serve
    attr_writer :fleet

    # @return [Child, nil] what processes are forked from; nil while there is nothing
    def source = @molds.source

    # @return [Boolean] whether anything is being replaced on purpose
    def under_way? = !@reason.nil? || !@overlap.nil?

    # @return [Boolean] whether that is since the app is booted anew
    def restarts? = @reason == :restart

    # Has the app booted, where there is no mold that has.
    #
    # @param mold [Child, nil] one that boots it already
    # @return [void]
    def boot(mold = nil)
      return unless preload?

      @molds.current = mold || (@is_stale ? @spawner.mold_again(@folder) : @spawner.mold(@folder))
    rescue SystemCallError => error
      mold_gone(nil, error.message)
    end

    # Boots the app anew, and replaces process by process.
    #
    # @return [void]
    def restart
      read_no_more
      begin_with(:restart) do
        preload? ? @molds.try(@spawner.fresh_mold, :restart) : @fleet.replace
      end
    end

    # Has all processes forked from one that has served.
    #
    # @param process [Child]
    # @return [void]
    def refork(process) = begin_with(:refork) { @fleet.replace([process], reason: :refork) }

    # Has all processes follow other settings: those that the mold reads, or the spawner has already.
    #
    # @return [void]
    def reload
      read_no_more
      begin_with(:reload) do
        next @fleet.replace unless preload?

        @waits_until = now + configuration.restart_timeout + MOMENT
        @is_waiting = @molds.current&.wire&.tell("reload", @asked = @asked.to_i + 1)
        @is_waiting or give_up("there is no mold now; once there is, ask again")
      end
    end

    # @param number [String] which of its questions the mold answers
    # @return [Boolean] whether that is the last one, and still open
    def awaits?(number) = @is_waiting && number.to_i == @asked

    # Starts another server, from the first line on.
    #
    # @return [void]
    def replace_server
      return busy if under_way?

      @voice.say "Restarting: another server is started beside this one"
      @overlap = Overlap.new(@spawner.site.listeners, configuration.restart_timeout)
    rescue SystemCallError => error
      give_up_server(error.message)
    end

    # @param mold [Child, nil]
    # @return [Boolean] whether it is not known yet if all can go on with that
    def tries?(mold) = !mold.nil? && mold == @molds.candidate

    # It serves no more: another has taken over.
    #
    # @param process [Child]
    # @param reason [Symbol] why, see {Fleet#replace}
    # @return [void]
    def retire(process, reason)
      @has_changed = true unless reason == :recycle
      return process.retire unless reason == :refork

      process.promote
      @molds.try(process, :refork)
    end

    # A mold has booted its app.
    #
    # @param mold [Child]
    # @return [void]
    def booted(mold)
      mold.ready
      @fleet.replace_all_but(mold) if tries?(mold)
    end

    # The mold has read its settings again.
    #
    # @param fault [String, nil] why it could not
    # @return [void]
    def reloaded(fault = nil)
      @is_waiting = false
      fault ? give_up(fault) : @fleet.replace
    end

    # A process serves.
    #
    # @param process [Child]
    # @return [Boolean, nil] whether all goes on with another mold from here on
    def ready(process)
      has_settled = @molds.settle if tries?(process.mold)
      @has_changed ||= has_settled
      has_settled
    end

    # A process that was to follow has never served.
    #
    # @param process [Child]
    # @param fault [String] what was wrong with it
    # @return [void]
    def failed(process, fault)
      fault = "#{process} could not boot: #{fault}"
      # One that was to follow a process which had served for long enough says nothing of an app that is booted anew.
      @molds.candidate && !tries?(process.mold) ? tell_unreplaced(fault) : give_up(fault)
    end

    # One that was no process that serves is gone.
    #
    # @param child [Child]
    # @param fault [String] how
    # @return [void]
    def mold_gone(child, fault)
      return give_up(fault) if child && child == @molds.candidate

      is_current = child == @molds.current
      @folder = child.folder if child
      @molds.gone(child) if child
      return unless is_current
      return give_up("the mold died: #{fault}") if @molds.former?

      # One that dies while it boots, again and again, is no reason to be busy with it.
      @delay = child&.served_since ? 0 : [[@delay * 2, SHORT].max, LONG].min
      @until = now + @delay
      give_up("the mold died") if @is_waiting
      @voice.complain("the mold died: #{fault}; another boots the app#{" in #{@delay} s" if @delay.positive?}")
    end

    # Whether it has taken too long, and what has become of another server.
    #
    # @return [Boolean] whether another has taken this server's place
    def look
      boot if preload? && @molds.none? && now >= @until
      end_silent if @is_waiting && now >= @waits_until
      done unless @reason.nil? || @is_waiting || @molds.candidate || @fleet.replacing?
      case @overlap&.look
      when :ready then true
      when :failed then give_up_server(@overlap.give_up)
      else false
      end
    end

    # The server stops: nothing is replaced any more.
    #
    # @param is_replaced [Boolean] whether another server has taken over
    # @return [void]
    def stop(is_replaced)
      @overlap&.give_up unless is_replaced
      @overlap = @reason = nil
    end

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def configuration = @spawner.site.configuration

    def preload? = configuration.preload

    # What is asked for while settings are read is what counts.
    def read_no_more
      return unless @is_waiting

      @is_waiting = false
      @reason = nil
      tell_unread
    end

    # A mold that doesn't read its settings is stopped, or stuck: all that is asked for would wait for it.
    def end_silent
      @is_waiting = false
      fault = "the mold has not read its settings within #{configuration.restart_timeout} s (restart_timeout)"
      @molds.current.fault ||= fault
      @molds.current.kill
      give_up(fault)
    end

    def begin_with(reason)
      return busy if under_way?

      @reason = reason
      @has_changed = false
      @before = @fleet.processes.dup
      @voice.say WORDS.fetch(reason).first
      yield
    rescue SystemCallError => error
      give_up(error.message)
    end

    def busy = @voice.say("Something is being replaced already; once that is done, ask again")

    def done
      return give_up("the process that was to be forked from is there no more") if @reason == :refork && !@has_changed

      @is_stale ||= %i[restart reload].include?(@reason) # what this process could fork a mold with
      @molds.finish
      @voice.say "#{WORDS.fetch(@reason).last}: #{@fleet.size} process#{"es" if @fleet.size > 1}"
      @reason = nil
    end
  end

  private_constant :Renewal
end
