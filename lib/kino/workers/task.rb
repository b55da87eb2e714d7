# frozen_string_literal: true

module Kino
  # A thread of a worker's, and what becomes of it.
  #
  # @api private
  class Task
    # For `Thread.handle_interrupt`: others can raise nothing into the thread, nor end it, until it is open again.
    CLOSED = Ractor.make_shareable({ Object => :never }.compare_by_identity)
    # They can.
    OPEN = Ractor.make_shareable({ Object => :immediate }.compare_by_identity)

    # @return [WorkerThread, nil] what it does, where that is to serve
    attr_reader :server
    # @return [Exception, nil] what it has ended with
    attr_reader :error

    # @param changed [#call] called when it is over
    # @param server [WorkerThread, nil]
    def initialize(changed, server = nil)
      @changed = changed
      @server = server
    end

    # Does the work on a thread of its own. That begins closed to whatever others raise into it, to being killed, too,
    # so that it can always tell that it is over: the work opens it where the app may run.
    #
    # @param name [String] the thread's
    # @yieldreturn [true] when all is done
    # @return [Task] itself
    # @raise [ThreadError] when there is no thread to be had
    def start(name, &work)
      Thread.handle_interrupt(CLOSED) { @thread = Thread.new { perform(&work) } }
      @thread.name = name
      self
    end

    # Does the work on the calling thread.
    #
    # @yieldreturn [true] when all is done
    # @return [Task] itself
    def perform
      @thread ||= Thread.current
      process = Process.pid
      @done = yield
      self
    rescue Exception => error # its worker tells, or starts another
      raise unless process == Process.pid # a child that the app has forked leaves by what it has raised

      @error = error
      self
    ensure
      @over = true
      @changed.call if process == Process.pid
    end

    # @return [Boolean] whether nothing more will come of it. That is the last thing that a thread says; one that could
    #   not say so any more isn't alive.
    def over? = @over || !@thread&.alive?

    # @return [Boolean] whether it came to the end that it should
    def done? = @done ? true : false

    # @param thread [Thread]
    # @return [Boolean] whether it runs there
    def on?(thread) = @thread.equal?(thread)

    # @param number [Integer] a worker's
    # @return [Array(Thread, Hash), nil] its thread, and the env that it is at, if it is that worker
    def place_of(number) = ([@thread, @server.env] if @server&.number == number)

    # @param number [Integer] a worker's
    # @return [Boolean] whether that is what it does; it serves no further request then, and ends
    def release(number)
      return false unless @server&.number == number

      @server.quarantine
      true
    end

    # Ends its thread.
    #
    # @param dismissed [Boolean] whether that is the server's own wish, and no fault of the app
    # @return [void]
    def end_thread(dismissed:)
      return if over?

      @server&.dismiss if dismissed
      @thread.kill
    end
  end

  private_constant :Task
end
