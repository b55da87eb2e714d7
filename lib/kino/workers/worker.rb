# frozen_string_literal: true

require_relative "../rack/early_hints"
require_relative "../rack/io_bound"
require_relative "../rack/request"
require_relative "task"
require_relative "worker_thread"

module Kino
  # One worker as users count them: some threads that share an interpreter lock, from its boot to its end. It runs in
  # the main ractor or in one of its own, and is the same in both.
  #
  # ```
  #   start -> boots (on_worker_boot) -> serves (so many threads) -> stops (on_worker_stop) -> look tells its outcome
  # ```
  #
  # It starts threads and waits for none. Whoever has it calls {#look} when something has changed, and that one method
  # takes it from each step to the next.
  #
  # Its threads never wait for each other in Ruby, by a Mutex or a join: inside a ractor of Ruby 3.3 some would never be
  # woken. They share a list that only the thread which looks changes.
  #
  # @api private
  class Worker
    # How a worker came to its end; shareable.
    #
    # @!attribute [r] kind
    #   @return [Symbol] `:ended` as it should, `:unbooted` when `on_worker_boot` raised, `:died` otherwise
    # @!attribute [r] report
    #   @return [String, nil] what went wrong
    Outcome = Data.define(:kind, :report)

    ENDED = Outcome.new(:ended, nil)
    UNBOOTED = Outcome.new(:unbooted, "on_worker_boot ended its own thread")
    DIED = Outcome.new(:died, "its own thread was ended")
    private_constant :ENDED, :UNBOOTED, :DIED

    # @return [Integer] the number of the interpreter lock that it shares
    attr_reader :gvl_group

    # @param app [#call] a Rack app
    # @param plan [Plan]
    # @param index [Integer] which worker this is, from 0
    # @param gvl_group [Integer]
    # @param own_thread [Boolean] whether the thread that looks is the worker's own, and calls its hooks, as in a
    #   ractor; else they have one for the time that they take. (Ruby 3.3 loses some of many threads in ractors.)
    # @param changed [#call] called when there is something to {#look} for, on a thread that is about to end
    def initialize(app, plan, index, gvl_group, own_thread: false, &changed)
      @app = plan.early_hints ? EarlyHints::Offer.new(app) : app
      @plan = plan
      @index = index
      @gvl_group = gvl_group
      @own_thread = own_thread
      @changed = changed
      @native = Native::GvlGroup.of(plan.engine, gvl_group)
      @failure = Failure.new($stderr, handler: plan.error_handler, page: plan.error_page, on_error: plan.on_error,
                                      form: plan.log_form)
      @tasks = []
    end

    # Begins to boot.
    #
    # @return [Worker] itself
    def start
      @stage = :stopping
      return self unless @native # the engine has been stopped meanwhile

      @plan.on_boot.empty? ? serve : boot
      self
    end

    # Goes on from what has changed.
    #
    # @return [Outcome, nil] how it has come to its end; nil while it goes on
    # @raise [ThreadError] when there is no thread to be had; the next look tries again
    def look
      case @stage
      when :booting then after_boot
      when :serving then after_serving
      else ENDED if @tasks.all?(&:over?)
      end
    end

    # Starts one more thread.
    #
    # @return [true]
    # @raise [ThreadError] when there is none to be had
    def reinforce
      @tasks << serving_task
      true
    end

    # @return [Boolean] whether it has booted, and does not stop yet
    def serving? = @stage == :serving

    # @return [Integer] threads that it has, or is ending
    def size = @tasks.size

    # Has one of its threads serve no further request, and end.
    #
    # @param number [Integer] the thread's, among workers
    # @return [Boolean] whether it is one of its own
    def release(number) = @tasks.any? { |task| task.release(number) }

    # @param thread [Thread]
    # @return [Boolean] whether it is one of its own
    def worker?(thread) = @tasks.any? { |task| task.on?(thread) }

    # @param number [Integer] of one of its threads, among workers
    # @return [Array(Thread, Hash), nil] the thread, and the env of the request that it has taken last
    def place_of(number) = @tasks.filter_map { |task| task.place_of(number) }.first

    # Its own ractor is being ended: ends its threads, each of which answers first, and waits for them. It starts no
    # other: inside a ractor of Ruby 3.3, a thread that is started by one on its way out may never run.
    #
    # @return [Outcome]
    def abandon
      until @tasks.all?(&:over?)
        end_threads
        @native.pause
      end
      run_stop_hooks if @stage == :serving
      @stage == :booting ? UNBOOTED : DIED
    end

    private

    def boot
      @stage = :booting
      call_hooks { @plan.on_boot.each { |hook| hook.call(@index) } }
    end

    def after_boot
      end_threads if @native.stopped?
      task = @tasks.first
      return unless task.over?

      @tasks.clear
      return serve if task.done?

      task.error ? UNBOOTED.with(report: task.error.full_message(highlight: false, order: :top)) : UNBOOTED
    end

    def serve
      @stage = :serving
      @plan.threads.times { reinforce }
      nil
    rescue ThreadError # the system gives no more of them; whoever looks tries again
      end_threads
      raise
    end

    # Those that end with the engine, or because they were quarantined, are done; the app, or whoever, has ended others.
    def after_serving
      stopped = @native.stopped?
      end_threads if stopped
      @tasks.reject! { |task| task.over? && (task.done? || stopped) }
      @tasks.map! { |task| task.over? ? replacement(task) : task }
      return unless @tasks.empty?

      # Where threads come and go, the last one may have gone.
      @plan.elastic && !@native.over? ? reinforce && nil : stop
    end

    def replacement(task)
      @failure.log(nil, task.error) if task.error
      serving_task.tap { @native.died }
    end

    def stop
      return ENDED if @plan.on_stop.empty?

      @stage = :stopping
      call_hooks { run_stop_hooks }
      nil
    rescue ThreadError
      @tasks.clear
      @stage = :serving
      raise
    end

    # On a thread that they may end without ending the one that is to notice.
    def call_hooks(&hooks)
      @tasks << (task = Task.new(@changed))
      work = lambda do
        Thread.handle_interrupt(Task::OPEN, &hooks)
        true
      end
      @own_thread ? task.perform(&work) : task.start(name, &work)
    end

    def run_stop_hooks
      @plan.on_stop.each do |hook|
        hook.call(@index)
      rescue Exception => error # the others have their turn, too
        @failure.log(nil, error)
      end
    end

    def end_threads = @tasks.each { |task| task.end_thread(dismissed: @native.stopped?) }

    def name = "kino #{@index + 1}"

    def serving_task
      server = WorkerThread.new(@native.thread(env_prototype), @app, @failure)
      Task.new(@changed, server).start(name) do
        run_thread_hooks
        server.serve_all
      end
    end

    # One that raises doesn't keep its thread from serving, which would be replaced by the like for ever.
    def run_thread_hooks
      process = Process.pid
      @plan.on_thread.each do |hook|
        Thread.handle_interrupt(Task::OPEN) { hook.call(@index) }
      rescue Exception => error
        raise unless process == Process.pid # a child that the hook has forked leaves by what it has raised

        @failure.log(nil, error)
      end
    end

    # What is the same in each of a worker's envs.
    def env_prototype
      { "rack.hijack?" => true, "SERVER_SOFTWARE" => -"Kino/#{VERSION}", "GATEWAY_INTERFACE" => "CGI/1.2",
        "rack.url_scheme" => "http", "rack.errors" => $stderr, "rack.multithread" => @plan.multithread,
        "rack.multiprocess" => @plan.multiprocess, "rack.run_once" => false,
        **(@plan.io_bound ? { IoBound::KEY => IoBound } : {}) }.freeze
    end
  end

  private_constant :Worker
end
