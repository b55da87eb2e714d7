# frozen_string_literal: true

require_relative "../server/teller"

module Kino
  # Looks for workers that have been at one request for too long. They are never ended, since nobody knows what they
  # hold: each is reported once and quarantined, and another takes its place, up to a cap. The supervisor has it look.
  #
  # @api private
  class StuckWatch
    # @param native [Native::Engine] a started engine
    # @param timeout [Numeric] seconds a request may take
    # @param cap [Integer] workers that may be replaced at one time
    # @param errors [IO] for the reports
    # @param overdue [OverdueWatch, nil] who is told, too
    def initialize(native, timeout, cap, errors, overdue = nil)
      @native = native
      @timeout = timeout
      @cap = cap
      @errors = Teller.new(errors)
      @overdue = overdue
      @seen = {}
    end

    # @return [Numeric] seconds between two looks
    def interval = [@timeout / 4.0, 1].min

    # Looks once. A worker that waits for its client is not stuck: the client has a time limit of its own.
    #
    # @yieldparam gvl_group [Integer] of the worker that is to be replaced
    # @yieldparam worker [Integer] its number
    # @return [void]
    def look(&replace)
      stuck = @native.in_flight.select { |_, _, seconds, _, waits_for_client| seconds > @timeout && !waits_for_client }
      @seen.keep_if { |worker, _| stuck.any? { |other, *| other == worker } }
      stuck.each do |worker, gvl_group, seconds, request|
        what = "#{request} for #{seconds.round(1)} s"
        @overdue&.stuck(what, @timeout, worker) unless @seen.key?(worker)
        replace.call(gvl_group, worker) if replace?(worker, what)
      end
    end

    private

    # One that finds no room under the cap is told of at once, and replaced as soon as there is some.
    def replace?(worker, what)
      return false if @seen[worker]

      replaced = @seen.count { |_, is_replaced| is_replaced } < @cap
      tell(what, replaced) if replaced || !@seen.key?(worker)
      @seen[worker] = replaced
    end

    def tell(what, replaced)
      cure = replaced ? "quarantined, another takes its place" : "not replaced: #{@cap} are already"
      line = "kino: a worker has been at #{what} (stuck_timeout #{@timeout}): #{cure}\n"
      @errors.tell { |io| io.write(line) }
    end
  end

  private_constant :StuckWatch
end
