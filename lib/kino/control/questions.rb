# frozen_string_literal: true

module Kino
  # What only a process's Ruby can tell of itself, or do, for the control socket: a thread that writes what Ruby counts
  # on the scoreboard, once a second at most, and answers what was asked. While Ruby is stuck it answers nothing, and
  # nobody waits for it for long.
  #
  # @api private
  class Questions
    # Seconds between two samples.
    PAUSE = 1
    # Bytes of an answer.
    MOST = 60_000
    private_constant :PAUSE, :MOST

    # @param native [Native::Engine] a started engine
    # @param scoreboard [Native::Scoreboard]
    # @param place [Integer] the process's
    def initialize(native, scoreboard, place)
      @native = native
      @scoreboard = scoreboard
      @place = place
    end

    # @return [Questions] itself
    def start
      @thread = Thread.new { run }
      @thread.name = "kino questions"
      @thread.report_on_exception = false
      self
    end

    # @return [void]
    def stop
      @stopped = true
      @thread&.kill unless Thread.current == @thread
      @thread&.join unless Thread.current == @thread
    end

    private

    def run
      until @stopped
        @scoreboard.sample(@place, sample)
        answer
        @native.await_question(PAUSE)
      end
    end

    def answer
      number, what = @scoreboard.question(@place)
      case what
      when "collect" then @scoreboard.answer(@place, number, collect)
      when "backtraces" then @scoreboard.answer(@place, number, backtraces.byteslice(0, MOST).scrub)
      end
    end

    def collect
      GC.start
      ""
    end

    # By the names of {Native::Scoreboard.sampled}.
    def sample
      gc = GC.stat
      told = { gc_count: gc[:count], gc_major_count: gc[:major_gc_count], gc_time_ms: gc[:time],
               heap_live_slots: gc[:heap_live_slots], heap_free_slots: gc[:heap_free_slots],
               heap_allocated_pages: gc[:heap_allocated_pages], threads: Thread.list.size,
               total_allocated_objects: gc[:total_allocated_objects], **yjit }
      Native::Scoreboard.sampled.map { |name| told.fetch(name, 0).to_i }
    end

    def yjit
      return {} unless defined?(RubyVM::YJIT.enabled?) && RubyVM::YJIT.enabled?

      stats = RubyVM::YJIT.runtime_stats
      { yjit_enabled: 1, yjit_code_bytes: stats[:code_region_size], yjit_compiled_iseqs: stats[:compiled_iseq_count] }
    end

    # Of other ractors Ruby tells no threads.
    def backtraces
      threads = Thread.list.reject { |thread| thread == Thread.current }
      text = threads.map do |thread|
        "#{thread.name || "thread #{thread.native_thread_id}"} (#{thread.status}):\n" \
          "#{thread.backtrace&.map { |line| "    #{line}\n" }&.join}"
      end.join("\n")
      return text if Ractor.count < 2

      "#{text}\nof #{Ractor.count - 1} other ractors Ruby doesn't tell any thread's backtrace\n"
    end
  end

  private_constant :Questions
end
