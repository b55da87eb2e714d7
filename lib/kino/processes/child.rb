# frozen_string_literal: true

require_relative "wire"

module Kino
  # A process, as the parent has it: one that serves, or a mold.
  #
  # @api private
  class Child
    # Seconds that it has beside those that its requests have: for what the app wants done at exit.
    GRACE = 5
    private_constant :GRACE

    # @return [Integer, nil] its place among those that serve, from 0; nil for a mold
    attr_reader :index
    # @return [Integer, nil] its place on the scoreboard
    attr_reader :slot
    # @return [Wire] to it
    attr_reader :wire
    # @return [Child, nil] what it was forked from; nil where that was the parent
    attr_reader :mold
    # @return [Integer, nil] nil until it has told
    attr_accessor :pid
    # @return [Float] when it was started, or has begun to become what others are forked from
    attr_reader :started
    # @return [Float, nil] since when it serves, or has its app booted; nil before
    attr_reader :served_since
    # @return [String, nil] why it could not boot, as it has told
    attr_accessor :fault
    # @return [Terms, nil] what its parent is to go by, as it has told
    attr_accessor :terms
    # @return [String, nil] of a mold, the folder where it was started, whatever link has led there; nil for this one's
    attr_writer :folder
    # @return [Float, nil] when it has to be gone
    attr_accessor :deadline

    # @param wire [Wire] to it
    # @param patience [Numeric] seconds that it has to end in
    # @param index [Integer, nil]
    # @param slot [Integer, nil]
    # @param mold [Child, nil]
    # @param pid [Integer, nil]
    def initialize(wire, patience, index: nil, slot: nil, mold: nil, pid: nil)
      @wire = wire
      @patience = patience
      @index = index
      @slot = slot
      @mold = mold
      @pid = pid
      @started = now
    end

    # @return [String, nil] where the mold was started that it comes from in the end
    def folder = @folder || @mold&.folder

    # It has told that it serves, or that its app is booted.
    #
    # @return [void]
    def ready = @served_since = now

    # @return [Boolean] whether it serves, and is meant to
    def serves? = !@served_since.nil? && @deadline.nil?

    # @return [Boolean] whether it was told to end
    def leaving? = !@deadline.nil?

    # Tells it to finish what runs, and to end.
    #
    # @param word [String] what exactly it is told
    # @return [void]
    def drain(word = @index ? "drain" : "leave")
      @wire.tell(word)
      leave
    end

    # The same where others serve: its clients are to go there.
    #
    # @return [void]
    def retire = @index ? drain("retire") : end_in_order

    # Its place on the scoreboard is another's from here on: it has come to its end, or serves no more.
    #
    # @return [Integer, nil] which one that was
    def give_slot_back = @slot.tap { @slot = nil }

    # Whether it boots an app of its own: for how long, nobody knows.
    #
    # @return [Boolean]
    def boots_app? = !@served_since && !@was_promoted && (@index.nil? || @mold.nil?)

    # The same for one that may still boot. One that has served may have requests to finish.
    #
    # @param has_clients [Boolean] whether it has, though it has not told that it serves
    # @return [void]
    def end_in_order(has_clients: false)
      return drain if has_clients || !boots_app?

      @is_spared = true
      kill
    end

    # @return [Boolean] whether it was ended while nothing was lost by that, which is no fault of anybody's
    def spared? = @is_spared ? true : false

    # It ends, whoever has told it to.
    #
    # @return [void]
    def leave = @deadline = now + @patience + GRACE

    # Tells it to finish what runs, and to go on as the mold that others are forked from: what it has for that begins
    # when nothing runs any more.
    #
    # @return [void]
    def promote
      @wire.tell("mold")
      @was_promoted = true
      @started = now + @patience
      @served_since = nil
      @index = nil
    end

    # Tells it to end at once.
    #
    # @return [void]
    def halt = @wire.tell("halt")

    # Ends it, as it was to be gone by now.
    #
    # @return [void]
    def end_late
      @deadline = Float::INFINITY
      kill
    end

    # @return [Boolean] whether {#end_late} has ended it
    def ended_late? = @deadline == Float::INFINITY

    # @return [Boolean] whether {#kill} has been called
    def killed? = @is_killed ? true : false

    # Ends it.
    #
    # @return [void]
    def kill
      @is_killed = true
      Process.kill(:KILL, @pid) if @pid
    rescue Errno::ESRCH
      nil # it was quicker
    end

    # @return [String] for whoever runs the server
    def to_s = "#{@index ? "process #{@index + 1}" : "the mold"}#{" (pid #{@pid})" if @pid}"

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  private_constant :Child
end
