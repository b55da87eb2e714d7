# frozen_string_literal: true

module Kino
  # Which processes there are, and which there should be: a place for each, who has it, and who is to follow. Decides,
  # and leaves it to others to fork and to tell.
  #
  # ```
  #   place: empty -> starting -> serving --died--> empty (at once, or after a while where that goes on)
  #                                 \--to be replaced--> a successor starts -> it serves -> the old one drains
  # ```
  #
  # One is replaced at a time: the next one's turn is when its successor serves and the one before is gone. A successor
  # that comes to nothing is tried again after a while only, where it is.
  #
  # @api private
  class Fleet
    # So many times in a row a process may fail to boot.
    ATTEMPTS = 5
    # One that dies sooner, in seconds, may have its successor wait.
    QUICK = 1
    # Seconds that the successor waits, doubled for each further one, and the most.
    DELAY = 0.1
    MOST_DELAY = 5

    # A place.
    #
    # @!attribute index
    #   @return [Integer] from 0
    # @!attribute process
    #   @return [Child, nil] who has it
    # @!attribute failures
    #   @return [Integer] how many have died soon after their start, in a row
    # @!attribute unbooted
    #   @return [Integer] how many have never served, in a row
    # @!attribute due
    #   @return [Float] when the next one is to be started
    Place = Struct.new(:index, :process, :failures, :unbooted, :due)

    # One that is to be replaced, why, and by whom.
    #
    # @!attribute place
    #   @return [Place]
    # @!attribute process
    #   @return [Child]
    # @!attribute reason
    #   @return [Symbol] what {Fleet#replace} was told
    # @!attribute successor
    #   @return [Child, nil]
    Replacement = Struct.new(:place, :process, :reason, :successor)
    private_constant :QUICK, :DELAY, :MOST_DELAY, :Place, :Replacement

    # @return [Array<Child>] all that live, those that drain included
    attr_reader :processes

    # @param size [Integer] processes
    # @param start [#call] starts one for the place of that number; called with it, and with why another is to be
    #   replaced by it, or nil; gives a {Child}, or nil where that can't be now
    # @param retire [#call] has one end that another has taken over from; called with it, and with why
    # @param clock [#call] the time, in seconds
    def initialize(size, start:, retire: ->(process, _) { process.retire },
                   clock: -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) })
      @clock = clock
      @start = start
      @retire = retire
      @places = []
      @processes = []
      @queue = []
      @resting = @clock.call
      resize(size)
    end

    # @return [Integer] processes that there should be
    def size = @places.size

    # @return [Array<Child>] those that serve, and are meant to
    def serving = @places.filter_map { |place| place.process if place.process&.serves? }

    # @return [Boolean] whether every place has a process that serves
    def complete? = @places.all? { |place| place.process&.serves? }

    # @return [Boolean] whether any is being replaced, or waits for it, or has still to end
    def replacing? = !(@queue.empty? && @current.nil?) || @processes.include?(@leaving)

    # Changes how many there should be. Those that are too many are drained.
    #
    # @param size [Integer]
    # @return [void]
    def resize(size)
      @places << Place.new(@places.size, nil, 0, 0, @clock.call) while @places.size < size
      while @places.size > size
        gone = @places.pop
        @queue.reject! { |one| one.place == gone }
        retreat if @current&.place == gone
        gone.process&.retire
      end
    end

    # Has others take their places, one at a time. What is asked for twice happens once.
    #
    # @param processes [Array<Child>] those to be replaced; by default all that there are, a successor included that has
    #   been started before
    # @param reason [Symbol] why: what the one that another has taken over from is retired with
    # @return [void]
    def replace(processes = everyone, reason: :asked)
      processes.each do |process|
        place = place_of(process)
        @queue << Replacement.new(place, process, reason) if place && !queued?(process)
      end
    end

    # Has all replaced that were forked from others than that mold.
    #
    # @param mold [Child]
    # @return [void]
    def replace_all_but(mold) = replace(everyone.reject { |process| process.mold == mold })

    # Has others take the places of all but these, and at once: what has taken theirs was not worth it.
    #
    # @param processes [Array<Child>]
    # @return [void]
    def go_back_to(processes)
      @resting = @clock.call
      replace(everyone - processes)
    end

    # Lets those be that wait for it, and the one whose successor doesn't serve yet.
    #
    # @return [void]
    def forget_replacements
      @queue.clear
      retreat if @current
    end

    # Starts what is missing, and goes on with what is being replaced.
    #
    # @return [void]
    def look
      now = @clock.call
      vacant.each { |place| launch(place) if now >= place.due }
      advance
    end

    # @return [Float, nil] seconds until there is something to {#look} for; nil when nothing is known of
    def patience
      now = @clock.call
      due = [*vacant.map(&:due), *(@resting if replacing? && now < @resting)].min
      [due - now, 0].max if due
    end

    # It serves.
    #
    # @param process [Child]
    # @return [void]
    def ready(process)
      place_of(process)&.unbooted = 0
      take_over if @current&.successor == process
      @has_been_complete ||= complete?
    end

    # It finishes what runs, as somebody else has told it: another takes its place.
    #
    # @param process [Child]
    # @return [void]
    def leaving(process)
      forget(process)
      place = @places.find { |one| one.process == process } or return
      place.process = nil
      place.due = @clock.call
    end

    # The system gave none for it: that is no fault of the app's.
    #
    # @param process [Child]
    # @return [void]
    def unborn(process)
      @processes.delete(process)
      forget(process)
      @resting = @clock.call + DELAY
      return @current.successor = nil if @current&.successor == process

      place = place_of(process) or return
      place.process = nil
      place.due = @clock.call + DELAY
    end

    # It has come to its end.
    #
    # @param process [Child]
    # @return [Symbol, nil] `:left` when it was meant to; `:died`; `:unbooted` when it has never served; `:hopeless`
    #   when that has happened too often, and no other serves after all did; `:failed` when it was a successor that has
    #   never served
    def gone(process)
      @processes.delete(process)
      forget(process)
      return retreat if @current&.successor == process

      place = @places.find { |one| one.process == process }
      return :left unless place

      bury(place, process)
    end

    private

    def everyone = [*@places.map(&:process), @current&.successor].compact

    # Who has none, and nobody who is about to have it: a successor has it also where the one before has died.
    def vacant = @places.select { |place| place.process.nil? && !(@current&.successor && @current.place == place) }

    def place_of(process)
      @places.find { |one| one.process == process } || (@current.place if @current && @current.successor == process)
    end

    def queued?(process) = [*@queue, @current].compact.any? { |one| one.process == process }

    # It is not to be replaced any more, unless who is to follow has been started.
    def forget(process)
      @queue.reject! { |one| one.process == process }
      @current = nil if @current&.process == process && @current.successor.nil?
    end

    def launch(place)
      process = @start.call(place.index, nil)
      return place.due = @clock.call + DELAY unless process

      @processes << process
      place.process = process
    end

    # The one before is gone: it is the next one's turn.
    def advance
      return if @processes.include?(@leaving) || @clock.call < @resting

      @current ||= @queue.shift
      return if @current.nil? || @current.successor

      return unless (successor = @start.call(@current.place.index, @current.reason))

      @processes << successor
      @current.successor = successor
    end

    def take_over
      place, process, reason = @current.place, @current.process, @current.reason
      place.process = @current.successor
      place.failures = place.unbooted = 0
      @current = nil
      return unless @processes.include?(process) # it may have died meanwhile

      @retire.call(process, reason)
      # What others are forked from serves no more, and stays.
      reason == :refork ? @processes.delete(process) : @leaving = process
    end

    # The successor is none; who is there goes on.
    def retreat
      successor = @current.successor
      @current = nil
      @resting = @clock.call + MOST_DELAY
      successor&.retire if @processes.include?(successor)
      :failed
    end

    def bury(place, process)
      place.process = nil
      has_served = process.served_since
      place.unbooted = has_served ? 0 : place.unbooted + 1
      is_quick = !has_served || @clock.call - has_served < QUICK
      place.failures = is_quick ? place.failures + 1 : 0
      place.due = @clock.call + delay(place.failures - 1)
      return :hopeless if place.unbooted >= ATTEMPTS && !(@has_been_complete && serving.any?)

      has_served ? :died : :unbooted
    end

    def delay(failures) = failures.positive? ? [DELAY * (2**(failures - 1)), MOST_DELAY].min : 0
  end

  private_constant :Fleet
end
