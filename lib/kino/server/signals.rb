# frozen_string_literal: true

require_relative "../processes/staying"

module Kino
  # Signals turned into something a thread can wait for. A trap handler may do next to nothing safely, so each only
  # writes its signal's number into a pipe. (Waiting on a pipe, unlike on a Queue, also never looks like a deadlock to
  # Ruby when every other thread sleeps.)
  #
  # @api private
  class Signals
    # What asks a server to stop; a terminal sends HUP when it is closed.
    STOP = %w[INT TERM QUIT HUP].freeze
    # What would end the process, and asks for a restart, as it does of other servers.
    STRAY = %w[USR1 USR2].freeze
    # What a terminal stops a process with that reads or writes in the background, and which other servers count their
    # workers by.
    TERMINAL = %w[TTIN TTOU].freeze
    # Those that never ask for anything else.
    ENDS = %w[INT TERM QUIT].freeze
    # Taken over whoever has them. The others are left to an app that has a handler for them.
    FIRM = %w[INT TERM].freeze
    # Taken over where the process began with them ignored, as a shell's script begins `kino &`. HUP is left to `nohup`.
    UNIGNORED = %w[QUIT].freeze
    # Seconds in which whoever sends one signal may send another and mean the same: foreman sends INT and then TERM.
    SAME_WISH = 1
    private_constant :ENDS, :UNIGNORED, :SAME_WISH

    # Handlers that a program has had them by since its first line.
    #
    # @!attribute [r] former
    #   @return [Hash{String => Object}] who had them before, by their names
    # @!attribute [r] came
    #   @return [Array<String>] those that have come
    Early = Data.define(:former, :came)

    # @param token [Integer] what {#wait} has given
    # @return [Boolean] whether it is a signal's number
    def self.signal?(token) = token < 128

    # What a terminal sends when it is closed is no wish for anything but an end. By then it is nobody's any more, so
    # this is asked at the start.
    #
    # @return [Boolean] whether the process has a terminal
    def self.terminal?
      File.open("/dev/tty") { true }
    rescue SystemCallError
      false
    end

    # @param names [Array<String>] the signals to wait for; none of them is touched before {#trapping}
    # @param ignored [Array<String>] those that nobody is to hear of
    # @param early [Early, nil] who has them for now, without being asked to let go of them
    def initialize(names = STOP + STRAY, ignored = names.empty? ? [] : TERMINAL, early: nil)
      @early = early
      @names = names
      @ignored = ignored
      @taken = []
      @reader, @writer = IO.pipe
    end

    # Takes the signals over while the block runs; whoever had them before has them again afterwards,
    # unless another server has them by then, see {Staying}.
    #
    # @yieldreturn [Object]
    # @return [Object] what the block returns
    def trapping
      former = {}
      owner = Process.pid
      handle = lambda do |name, &ours|
        take(name, former) { Process.pid == owner ? ours.call : leave_to_child(name) }
      end
      @names.each { |name| handle.call(name) { write(Signal.list.fetch(name)) } }
      @taken = former.keys
      @early&.came&.each { |name| write(Signal.list.fetch(name)) if @taken.include?(name) }
      # By a handler, which programs that the app starts don't inherit.
      @ignored.each { |name| handle.call(name) { nil } }
      yield
    ensure
      former.each { |name, handler| give_back(name, handler) } unless Staying.begun?
    end

    # Has signals end nothing while the block runs that ask for a restart: there is nothing to be started anew yet. An
    # app that takes one over meanwhile keeps it.
    #
    # @param came [Array<String>] the names of those that come are added
    # @yieldreturn [Object]
    # @return [Object] what the block returns
    def sparing(came)
      former, ours = {}, {}
      owner = Process.pid
      (STRAY & @names).each do |name|
        ours[name] = proc { Process.pid == owner ? came << name : leave_to_child(name) }
        take(name, former, &ours[name])
      end
      yield
    ensure
      former.each { |name, handler| put_back(name, ours[name], handler) }
    end

    # @return [Array<Integer>] the numbers of those that {#trapping} has taken and that ask for nothing but an end
    def summons = (@taken & ENDS).map { |name| Signal.list.fetch(name) }

    # @return [Integer] the number of the next signal, or what {#wake} was given; waits for it
    def wait = @reader.readbyte

    # @return [IO] readable when there is something to {#wait} for
    def to_io = @reader

    # @return [Integer] the number of the descriptor by which others may {#wake}, natively
    def descriptor = @writer.fileno

    # @param token [Integer] a byte that is no signal's number: 128 to 255
    # @return [void]
    def wake(token) = write(token)

    # Whoever has asked for a stop has been heard: what comes now, for a while, is the same wish, and so is one of
    # another name whenever it comes: who stops a service may begin with one and go on with the next.
    #
    # @param number [Integer, nil] the signal that asked, if it was one
    # @return [void]
    def heard(number = nil)
      @first = number if @names.include?(number && Signal.signame(number))
      @same_until = now + SAME_WISH
    end

    # @param number [Integer, nil] a signal's
    # @return [Boolean] whether that still means what the first one did
    def same_wish?(number = nil) = !@same_until.nil? && (now < @same_until || other?(number))

    # In a child of fork: what comes from now on is none of its business, and its own to decide on.
    #
    # @return [void]
    def disown
      [*@names, *@ignored].each { |name| Signal.trap(name, "DEFAULT") }
      close
    end

    # Lets go of the pipe.
    #
    # @return [void]
    def close = [@reader, @writer].each(&:close)

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def other?(number) = !@first.nil? && !number.nil? && number != @first

    def take(name, former, &handler)
      before = Signal.trap(name, &handler)
      before = @early.former[name] if @early&.former&.key?(name)
      before ||= "DEFAULT"
      is_free = before.to_s.end_with?("DEFAULT") || (before == "IGNORE" && UNIGNORED.include?(name))
      return former[name] = before if is_free || FIRM.include?(name)

      Signal.trap(name, before)
    end

    def put_back(name, ours, former)
      current = Signal.trap(name, former)
      Signal.trap(name, current) unless current == ours
    end

    # A child that the app has forked has the handlers, and the pipe: a signal of its own is nobody else's.
    def leave_to_child(name)
      Signal.trap(name, "DEFAULT")
      Process.kill(name, Process.pid)
    end

    # One that still means what the last did may find its work done, and the process on its way out.
    def give_back(name, handler)
      return Signal.trap(name, handler) unless same_wish? && @names.include?(name)

      Signal.trap(name) do
        unless same_wish?
          Signal.trap(name, handler)
          Process.kill(name, Process.pid)
        end
      end
    end

    # A full pipe means that thousands of signals wait to be read: one more says nothing new. A closed one means that
    # nobody listens any more.
    def write(byte)
      @writer.write_nonblock(byte.chr, exception: false)
    rescue IOError
      nil
    end
  end

  private_constant :Signals
end
