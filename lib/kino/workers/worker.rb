# frozen_string_literal: true

require_relative "../rack/early_hints"
require_relative "../rack/request"
require_relative "worker_thread"

module Kino
  # One worker as users count them: some threads that share an interpreter lock, from its boot to its end. It runs in
  # the main ractor or in one of its own, and is the same in both.
  #
  # Its threads never wait for each other in Ruby, by a Mutex or a join: inside a ractor of Ruby 3.3 some would never be
  # woken. What they share are Arrays and a Hash that are changed by one call at a time, under the lock they run with.
  #
  # @api private
  class Worker
    # What every worker of a server goes by; shareable.
    #
    # @!attribute [r] engine
    #   @return [Integer] the running engine's number
    # @!attribute [r] threads
    #   @return [Integer] threads of a worker
    # @!attribute [r] multithread
    #   @return [Boolean] whether the app may be called by several threads at once
    # @!attribute [r] environment
    #   @return [String] see {Failure}
    # @!attribute [r] early_hints
    #   @return [Boolean] whether requests are offered `rack.early_hints`
    # @!attribute [r] on_boot
    #   @return [Array<#call>] called with the worker's index before it serves
    # @!attribute [r] on_stop
    #   @return [Array<#call>] called with it after it has served
    Plan = Data.define(:engine, :threads, :multithread, :environment, :early_hints, :on_boot, :on_stop)

    # How a worker came to its end; shareable.
    #
    # @!attribute [r] kind
    #   @return [Symbol] `:ended` as it should, `:unbooted` when `on_worker_boot` raised, `:died` otherwise
    # @!attribute [r] report
    #   @return [String, nil] what went wrong
    Outcome = Data.define(:kind, :report)

    # The way a worker should end.
    ENDED = Outcome.new(:ended, nil)
    private_constant :ENDED

    # @param app [#call] a Rack app
    # @param plan [Plan]
    # @param index [Integer] which worker this is, from 0
    # @param gvl_group [Integer] the number of the interpreter lock it shares
    def initialize(app, plan, index, gvl_group)
      @app = plan.early_hints ? EarlyHints::Offer.new(app) : app
      @plan = plan
      @index = index
      @native = Native::Worker.of(plan.engine, gvl_group)
      @failure = Failure.new(plan.environment, $stderr)
      @threads = {}
      @started = []
      @ended = []
      @missing = []
      @outcome = ENDED
    end

    # @return [Outcome] how it has ended, whatever ended the thread that {#run} was called on
    attr_reader :outcome

    # Boots, serves until the engine is over or the worker is set aside, and stops.
    #
    # @return [void]
    def run
      return unless @native # the engine has been stopped meanwhile

      @outcome = Outcome.new(:unbooted, "on_worker_boot ended its own thread")
      boot
      @outcome = Outcome.new(:died, "its own thread was ended")
      serve
      @outcome = ENDED
    rescue Exception => error # the worker ends with it, as it is
      @outcome = Outcome.new(@outcome.kind, error.full_message(highlight: false, order: :top))
    end

    # Starts one more thread.
    #
    # @return [void]
    def reinforce
      worker = WorkerThread.new(@native.thread(env_prototype), @app, @failure)
      @started << worker
      thread = Thread.new { work(worker) }
      thread.name = "kino #{@index + 1}"
      thread.report_on_exception = false
    end

    # @param thread [Thread]
    # @return [Boolean] whether it is one of its own
    def worker?(thread) = @threads.key?(thread)

    private

    def boot = @plan.on_boot.each { |hook| hook.call(@index) }

    def serve
      @plan.threads.times { reinforce }
      until @native.wait
        replace_missing
        break if idle?
      end
      served = true
    ensure
      # Unless it has served to its end, somebody has ended the worker's own thread: its requests are answered with a
      # 500.
      finish(served)
    end

    def finish(served)
      until idle?
        @threads.values.each(&:dismiss) if @native.stopped? # which is no fault of the app
        @threads.keys.each(&:kill) if @native.stopped? || !served
        @native.pause
      end
    ensure
      stop_hooks
    end

    def stop_hooks
      @plan.on_stop.each do |hook|
        hook.call(@index)
      rescue Exception => error # the others have their turn, too
        @failure.log(nil, error)
      end
    end

    def idle? = @started.size == @ended.size

    def work(worker)
      @threads[Thread.current] = worker
      completed = worker.run
    ensure
      @threads.delete(Thread.current)
      @ended << worker
      @missing << worker unless completed
      @native.call
    end

    # The app has ended threads that it was called on. Others are started here, and not by those that end: inside a
    # ractor of Ruby 3.3, a thread that is started by one on its way out may never run.
    def replace_missing
      while (worker = @missing.shift)
        [@started, @ended].each { |list| list.delete(worker) }
        @native.died
        reinforce
      end
    end

    # What is the same in each of a worker's envs.
    def env_prototype
      { "rack.hijack?" => true, "SERVER_SOFTWARE" => -"Kino/#{VERSION}", "GATEWAY_INTERFACE" => "CGI/1.2",
        "rack.url_scheme" => "http", "rack.errors" => $stderr, "rack.multithread" => @plan.multithread,
        "rack.multiprocess" => false, "rack.run_once" => false }.freeze
    end
  end
end
