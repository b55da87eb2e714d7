# frozen_string_literal: true

module Kino
  # Collects garbage while nothing is in flight, where the next collection of all objects, a major one, is near: it
  # would come in the middle of some request otherwise, and take its client's time. A request that comes meanwhile waits
  # for it, as any other that it had come in the middle of.
  #
  # Ruby 3.4 and later could be kept from major collections altogether until then
  # (`GC.config(rgengc_allow_full_mark:)`). But objects grow no older meanwhile, so that each minor collection marks all
  # of them, and a server that is never idle would take more and more memory. So nothing is put off here, some of it
  # only comes sooner.
  #
  # In `:ractor` mode all ractors have one heap, and a collection stops them all: nothing is in flight in any of them
  # then.
  #
  # @api private
  class IdleCollector
    # What has a major collection come when it reaches its limit, both by Ruby's names.
    LIMITS = { old_objects: :old_objects_limit,
               remembered_wb_unprotected_objects: :remembered_wb_unprotected_objects_limit,
               oldmalloc_increase_bytes: :oldmalloc_increase_bytes_limit }.freeze
    # The part of a limit from which on it is near.
    NEAR = 0.9
    private_constant :LIMITS, :NEAR

    # @param native [Native::Engine] a started engine
    # @param collector [GC] or a stand-in
    def initialize(native, collector = GC)
      @native = native
      @collector = collector
    end

    # @return [IdleCollector] itself
    # @raise [ConfigurationError] when this Ruby's collector doesn't tell when it will collect
    def start
      near?
      @thread = Thread.new { run }
      @thread.name = "kino gc"
      @thread.report_on_exception = false
      self
    rescue ArgumentError => error
      raise ConfigurationError, "gc_when_idle: this Ruby's garbage collector doesn't tell when it will collect " \
                                "(#{error.message}); leave gc_when_idle out"
    end

    # @return [void]
    def stop
      return if @thread.nil? || @thread == Thread.current

      @thread.kill
      @thread.join
    end

    private

    # Once at most between two requests.
    def run
      until (is_idle = @native.await_leisure).nil?
        collect if is_idle && near?
      end
    end

    def collect
      @collector.start
      @collected = @collector.count
      @native.used_leisure
    end

    # Not before another collection has shown that the last one here was not enough.
    def near?
      return false if @collector.count == @collected
      return true if @collector.latest_gc_info(:need_major_by)

      LIMITS.any? { |number, limit| @collector.stat(number) >= @collector.stat(limit) * NEAR }
    end
  end

  private_constant :IdleCollector
end
