# frozen_string_literal: true

require_relative "../rack/description"

module Kino
  # The settings are read again, beside whatever else the process does: their file may ask a disk or another server,
  # which takes its time, or for ever. What they hold can't be handed on by another process, so the one that forks those
  # that go by them reads them, on a thread.
  #
  # @api private
  class Reading
    # What has come of it.
    #
    # @!attribute [r] settings
    #   @return [Object, nil] what was read
    # @!attribute [r] fault
    #   @return [String, nil] why there is nothing
    Outcome = Data.define(:settings, :fault)
    private_constant :Outcome

    # Begins.
    #
    # @param limit [Numeric] seconds that it may take
    # @yieldreturn [Object] what was read
    def initialize(limit, &read)
      @limit = limit
      @until = now + limit
      @reader, @writer = IO.pipe
      @thread = Thread.new do
        @outcome = attempt(&read)
      ensure
        @writer.close
      end
      @thread.report_on_exception = false
    end

    # @return [IO] readable when it is over
    def to_io = @reader

    # @return [Numeric] seconds until it is to be given up
    def patience = [@until - now, 0].max

    # @return [Outcome, nil] what has come of it; nil while it goes on. To be asked for until there is something
    def look
      is_over = !@thread.alive? || @reader.wait_readable(0)
      return unless is_over || now >= @until

      @thread.join if is_over
      fault = "nothing was read" if is_over
      cancel
      @outcome || Outcome.new(nil, fault || "they were not read within #{@limit} s (restart_timeout)")
    end

    # Nobody wants to know any more.
    #
    # @return [void]
    def cancel
      @thread.kill
      close
    end

    # The same in a child of fork, where the thread is not.
    #
    # @return [void]
    def close = [@reader, @writer].each(&:close)

    private

    def attempt
      Outcome.new(yield, nil)
    rescue Exception => error # the file may do anything, such as exit
      Outcome.new(nil, Description.brief(error))
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  private_constant :Reading
end
