# frozen_string_literal: true

require "socket"

# A server of two processes, for examples that have one in their own process otherwise: it has what they ask of a
# Kino::Server. Its parent is a child of the example's process, so the app is there as the example has made it; what
# they tell each other goes through a Channel.
class ForkedServer
  PROCESSES = 2
  DEADLINE = Eventually::DEADLINE
  private_constant :DEADLINE

  attr_reader :configuration, :urls, :aborted

  def initialize(app, **settings)
    require "kino/processes/parent"
    @app = app
    @configuration = Kino::Configuration.new(**settings, mode: :threaded, processes: PROCESSES)
    @urls = []
    @aborted = []
    @lock = Mutex.new
  end

  def start
    return self if running?

    @ours, theirs = UNIXSocket.pair
    $stdout.flush # what is still to be written would be written twice
    @pid = fork do
      @ours.close
      Inside.new(@app, @configuration, theirs).run
    end
    theirs.close
    @waiter = Process.detach(@pid)
    @urls = ask(:urls)
    self
  ensure
    stop! unless @urls.any?
  end

  def run
    start
    @waiter.join
    nil
  end

  def url = urls.first

  def port = url[/:(\d+)\z/, 1]&.to_i

  def mode = running? ? :threaded : nil

  def mode_reason = nil

  def running? = @waiter&.alive? || false

  # As they are now, or have been since: processes write their numbers down a few times a second.
  def stats = running? ? ask(:stats) : {}

  def in_flight = running? ? ask(:in_flight) : []

  # In order, within the setting shutdown_timeout. What was given up is told last.
  def stop
    return true unless running?

    Process.kill(:TERM, @pid)
    @waiter.join(DEADLINE * 2) || raise("the server has not ended")
    @lock.synchronize { finish if @pid }
    @waiter.value.success?
  end

  # All at once, with all that the parent has forked.
  def stop!
    return unless @pid

    Process.kill(:KILL, -@pid)
    @waiter.join
  rescue Errno::ESRCH, Errno::EPERM
    nil # it has ended
  ensure
    @lock.synchronize { finish if @pid }
  end

  private

  def finish
    @pid = nil
    @urls = []
    @aborted = @ours.read.lines(chomp: true)
  rescue SystemCallError
    nil # somebody has asked meanwhile
  ensure
    @ours.close
  end

  def ask(what)
    Marshal.dump(what, @ours)
    @ours.wait_readable(DEADLINE) || raise("the server has not told its #{what} within #{DEADLINE} s")
    told = Marshal.load(@ours)
    told.is_a?(Exception) ? raise(told) : told
  rescue EOFError, SystemCallError
    raise "the server has ended"
  end

  # The parent's side of it.
  class Inside
    # What it complains of at its end when it has given up requests: the one that asked for a stop is told those.
    GIVEN_UP = /\Akino: gave up (.+)/
    STILL_RAN = /\Akino: requests still ran /
    private_constant :GIVEN_UP, :STILL_RAN

    def initialize(app, configuration, wire)
      @app = app
      @configuration = configuration
      @wire = wire
      @aborted = []
    end

    def run
      Process.setpgid(0, 0) # so that all there is of it can be ended at once
      # In a process that lives for an example it would be nearly all that is done.
      Process.define_singleton_method(:warmup) { true }
      app = @app
      parent = Kino.const_get(:Parent).new(@configuration, err: self) { app }
      status = parent.serve { Thread.new { attend(parent) } }
      @wire.write(@aborted.map { |request| "#{request}\n" }.join)
    rescue Exception => error
      Marshal.load(@wire) # whoever has started it asks where it listens
      Marshal.dump(error, @wire)
    ensure
      $stderr.flush
      exit!(status || 1)
    end

    # What it complains of.
    def puts(*lines)
      lines.flatten.each do |line|
        next if line.match?(STILL_RAN)

        request = line[GIVEN_UP, 1]
        request ? @aborted << request : $stderr.puts(line)
      end
    end

    def flush = $stderr.flush

    private

    def attend(parent)
      loop { Marshal.dump(answer(Marshal.load(@wire), parent), @wire) }
    rescue StandardError
      parent.stop # nobody is there any more, or in the middle of a word
    end

    def answer(what, parent)
      return urls(parent) if what == :urls

      told = fresh(parent)
      return told.except(:processes) if what == :stats

      all = told[:processes].flat_map { |one| one[:in_flight].split("; ") }
      all.map { |request| request.sub(/ for (?=\S+ s\z)/, ", for ") }
    end

    # Once all serve.
    def urls(parent)
      pause until parent.stats[:processes].size == PROCESSES
      parent.urls
    end

    # What all processes have written down since it was asked for. They do it by milliseconds.
    def fresh(parent)
      asked = now
      loop do
        told = parent.stats
        return told if told[:processes].all? { |one| one[:beat] + 0.002 < now - asked }

        pause
      end
    end

    def pause = sleep(0.005)

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
  private_constant :Inside
end
