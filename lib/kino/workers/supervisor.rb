# frozen_string_literal: true

require_relative "../rack/failure"
require_relative "crew"
require_relative "overdue_watch"
require_relative "place"
require_relative "plan"
require_relative "ractor_worker"
require_relative "stuck_watch"
require_relative "worker"
require_relative "../server/teller"

module Kino
  # Keeps a server's workers going, in both modes: there is one list of them, and one thread that looks through it. It
  # sleeps in the engine until something has changed, and starts another worker where one came to its end too early.
  #
  # @api private
  class Supervisor
    # The supervisor of a server's workers.
    #
    # @param native [Native::Engine] a started engine
    # @param app [#call] a Rack app
    # @param settings [Configuration] with the mode that was chosen
    # @param errors [IO] for what becomes of workers
    # @return [Supervisor]
    # @raise [ConfigurationError] when a hook can't be shared between ractors
    def self.of(native, app, settings, errors)
      plan = Plan.of(native, settings)
      stuck, overdue = watches(native, plan, settings, errors)
      if settings.mode == :ractor
        hire = ->(index) { RactorWorker.new(native, app, plan, index).start }
      else
        hire = ->(index) { Worker.new(app, plan, index, 0) { native.call }.start }
      end
      new(native, settings.workers, errors, stuck, overdue, Crew.of(native, settings), &hire)
    end

    # Who looks for requests that take too long: for the sake of their workers, and to tell `on_error`.
    def self.watches(native, plan, settings, errors)
      if plan.on_error.any? || settings.request_timeout
        failure = Failure.new(errors, on_error: plan.on_error, form: plan.log_form)
        overdue = OverdueWatch.new(native, failure, settings.request_timeout)
      end
      cap = settings.mode == :ractor ? settings.workers : settings.capacity
      stuck = StuckWatch.new(native, settings.stuck_timeout, cap, errors, overdue) if settings.stuck_timeout
      [stuck, overdue]
    end
    private_class_method :watches

    # Ruby ends all threads when the process ends, and would wait for a new one, for ever.
    at_exit { @leaving = true }

    # @return [Boolean] whether the process is ending
    def self.leaving? = @leaving ? true : false

    # @param native [Native::Engine] a started engine
    # @param size [Integer] workers
    # @param errors [IO] for what becomes of workers
    # @param stuck_watch [StuckWatch, nil]
    # @param overdue_watch [OverdueWatch, nil]
    # @param crew [Crew, nil]
    # @yieldparam index [Integer] which worker, from 0
    # @yieldreturn [Worker, RactorWorker] one that has been started
    def initialize(native, size, errors, stuck_watch = nil, overdue_watch = nil, crew = nil, &hire)
      @native = native
      @errors = Teller.new(errors)
      @stuck_watch = stuck_watch
      @overdue_watch = overdue_watch
      @crew = crew
      overdue_watch&.finder = method(:place_of)
      @hire = hire
      @places = []
      @hired = 0
      size.times { add_place }
      @lock = Mutex.new
    end

    # Starts the workers, on the thread that looks after them from then on.
    #
    # @yield when all of them have come to their end
    # @return [Supervisor] itself
    def start(&ended)
      @ended = ended
      @lock.synchronize { oversee }
      self
    end

    # Waits until all workers have come to their end.
    #
    # @param limit [Numeric, nil] seconds to wait at most
    # @return [Boolean] whether they have
    # @raise [WorkerBootError] when that was because they could not boot
    def join(limit = nil)
      until_then = limit && (now + limit)
      until @places.empty?
        # An app may end any thread; then this one goes on with another.
        thread = @lock.synchronize { @thread.alive? ? @thread : oversee }
        return false unless thread.join(until_then && [until_then - now, 0].max)
      end
      raise @error if @error

      true
    end

    # @param thread [Thread]
    # @return [Boolean] whether it serves this server's requests, or runs its hooks
    def worker?(thread) = @places.any? { |place| place.worker&.worker?(thread) }

    # Starts no worker any more. Those there are end with the engine.
    #
    # @return [void]
    def stop
      @stopped = true
      @native.call
    end

    # Looks after all workers, once.
    #
    # @return [void]
    def look
      @overdue_watch&.look
      @stuck_watch&.look { |gvl_group, thread| replace(gvl_group, thread) }
      @places.reject! { |place| attend(place) }
      @crew&.look(@places.filter_map(&:worker).select(&:serving?))
    end

    private

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def oversee
      # No app runs on it, so what is raised into it is none of its business. It can be killed, which is an Integer to
      # Ruby, but not before it can say so: then another takes over.
      @thread = Thread.handle_interrupt(Task::CLOSED) do
        Thread.new do
          Thread.handle_interrupt(Integer => :immediate) { look_and_wait }
          @ended&.call
        ensure
          succeed
        end
      end
      @thread.name = "kino supervisor"
      @thread
    end

    # Has another look after the workers that are left, if there are any.
    def succeed
      oversee unless @places.empty? || @stopped || Supervisor.leaving?
    rescue ThreadError # there is no thread to be had
      nil
    end

    def look_and_wait
      loop do
        look
        break if @places.empty?

        @engine_over ? @native.pause : @engine_over = @native.wait(patience)
      end
    end

    # Seconds until there is something to do, if nobody calls before; nil when there is nothing.
    def patience
      [*@places.filter_map(&:patience), *@stuck_watch&.interval, *@overdue_watch&.interval, *@crew&.interval].min
    end

    # Whether the place is empty for good.
    def attend(place)
      return fill(place) unless place.worker

      outcome = place.look
      outcome ? bury(place, outcome) : false
    end

    def fill(place)
      return true if @stopped || @engine_over

      place.fill { @hire.call(place.index) }
      false
    rescue StandardError => error # the system gives no thread, or no memory for a ractor
      bury(place, Worker::Outcome.new(:died, error.full_message(highlight: false, order: :top)))
    end

    def bury(place, outcome)
      place.empty
      return true if @stopped || outcome.kind == :ended

      tell(place.index, outcome)
      place.count(outcome.kind)
      place.hopeless? ? give_up(place, outcome) : fill(place)
    end

    def tell(index, outcome)
      @native.died
      what = outcome.kind == :unbooted ? "could not boot" : "died"
      @errors.tell { |io| io.write("kino: worker #{index + 1} #{what}: #{outcome.report}\n") }
    end

    def give_up(place, outcome)
      last = outcome.report.lines.first&.chomp
      @error = WorkerBootError.new("worker #{place.index + 1} could not boot #{Place::ATTEMPTS} times in a row, so " \
                                   "the server ends; the last time on_worker_boot raised: #{last}")
      @stopped = true
      @native.stop
      true
    end

    # The thread that is the worker of that number, and the env that it is at; nil where none is, or a ractor has it.
    def place_of(worker)
      @places.each do |place|
        found = place.worker&.place_of(worker)
        return found if found
      end
      nil
    end

    # Lets a thread that is stuck be, and has another serve in its place; or a worker, where it has a lock of its own.
    def replace(gvl_group, thread)
      worker = @places.filter_map(&:worker).find { |one| one.gvl_group == gvl_group }
      if worker&.reinforce
        @native.quarantine(gvl_group, thread)
      else
        @native.quarantine(gvl_group, nil)
        add_place
      end
    rescue ThreadError # there is none to be had: it stays as it is
      nil
    end

    # One that takes the place of a stuck one is one more, with a number of its own.
    def add_place
      @places << Place.new(@hired) { now }
      @hired += 1
    end
  end

  private_constant :Supervisor
end
