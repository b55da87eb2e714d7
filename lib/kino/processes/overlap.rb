# frozen_string_literal: true

require_relative "relaunch"

module Kino
  # A server that is started beside this one, on the same sockets, to take its place once it serves.
  #
  # @api private
  class Overlap
    # @return [Wire] to it
    attr_reader :wire
    # @return [Integer] its process id
    attr_reader :pid

    # Starts it.
    #
    # @param listeners [Native::Listeners]
    # @param timeout [Numeric] seconds that it has to be ready in
    # @raise [SystemCallError] when it can't be started
    def initialize(listeners, timeout)
      @wire, @pid = Relaunch.start(:server, listeners)
      @timeout = timeout
      @until = now + timeout
    end

    # What has become of it.
    #
    # @return [Symbol, nil] `:ready` when it serves, `:failed` when it won't; nil while it boots
    def look
      messages = @wire.hear
      return :ready if messages&.any? { |word,| word == "ready" }

      :failed if messages.nil? || now >= @until
    end

    # @return [Numeric] seconds until it is to be given up
    def patience = [@until - now, 0].max

    # Ends it.
    #
    # @return [String] what was wrong with it
    def give_up
      fault = now < @until ? "it ended" : "it was not ready within #{@timeout} s (restart_timeout)"
      Process.kill(:KILL, @pid)
      Process.wait(@pid)
      fault
    rescue SystemCallError
      fault
    ensure
      @wire.close
    end

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  private_constant :Overlap
end
