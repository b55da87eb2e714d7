# frozen_string_literal: true

require "socket"
require "tmpdir"
require_relative "raw_client"

# A server in a process of its own, started through one of its front doors, and all it says.
class KinoProcess
  DEADLINE = 60
  LIB = File.expand_path("../../lib", __dir__)
  KINO = File.expand_path("../../exe/kino", __dir__)
  # What would set up a server from outside; an example sets what it is about.
  UNSET = %w[PORT WEB_CONCURRENCY RAILS_MAX_THREADS APP_ENV RACK_ENV RAILS_ENV].to_h { |name| [name, nil] }.freeze

  # For example groups: starts processes in a temporary folder, and ends what an example leaves running.
  module Helpers
    def self.included(group)
      group.around { |example| Dir.mktmpdir("kino") { |folder| @folder = File.realpath(folder) and example.run } }
      group.after { @processes&.each(&:kill) }
    end

    attr_reader :folder

    # Starts the command `kino`.
    def kino(*arguments, **options) = start(KINO, *arguments, **options)

    # Starts a gem's command, such as rackup, whether or not it is on the PATH.
    def gem_command(gem, *arguments, **options)
      start("-e", "load Gem.activate_bin_path('#{gem}', '#{gem}')", "--", *arguments, **options)
    end

    # Starts Ruby, with Kino on its load path. What it says goes to `streams[:out]` and `streams[:err]`, if there are
    # such, and to the process's {#out} and {#err} otherwise.
    def start(*arguments, env: {}, **streams)
      process = KinoProcess.new([RbConfig.ruby, "-W1", "-I#{LIB}", *arguments], env: UNSET.merge(env), chdir: folder,
                                                                                **streams)
      (@processes ||= []) << process
      process
    end

    def write(path, text)
      full = File.join(folder, path)
      Dir.mkdir(File.dirname(full)) unless Dir.exist?(File.dirname(full))
      File.write(full, text)
      full
    end

    # A port nobody listens on.
    def free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }

    def refused?(url)
      RawClient.open(url).close
      false
    rescue Errno::ECONNREFUSED, Errno::ENOENT
      true
    end
  end

  attr_reader :pid

  def initialize(command, env:, chdir:, **streams)
    @output = { out: "", err: "" }
    @ended = 0
    @mutex = Mutex.new
    @changed = ConditionVariable.new
    (out, out_end), (err, err_end) = IO.pipe, IO.pipe
    @pid = Process.spawn(env, *command, chdir: chdir, out: out_end, err: err_end, in: File::NULL, **streams)
    [out_end, err_end].each(&:close)
    @readers = { out: out, err: err }.map { |name, pipe| Thread.new { collect(name, pipe) } }
    @waiter = Process.detach(@pid)
  end

  # All that came on standard output so far.
  def out = text(:out)

  # All that came on standard error so far.
  def err = text(:err)

  # Waits until standard output has something that matches; the match.
  def wait_for(pattern)
    deadline = now + DEADLINE
    @mutex.synchronize do
      until (match = pattern.match(@output[:out]))
        left = deadline - now
        raise "no #{pattern.inspect} came, but #{transcript}" if left <= 0 || @ended == @output.size

        @changed.wait(@mutex, left)
      end
      match
    end
  end

  # The first address it listens on, once it does.
  def url = wait_for(/^Listening on (.+)$/)[1]

  def get(path = "/", headers = {}) = RawClient.open(url) { |client| client.get(path, headers) }

  def signal(name)
    Process.kill(name, @pid)
    self
  end

  # Waits for the process to end; its exit status.
  def status
    @waiter.join(DEADLINE) || raise("the process has not ended; #{transcript}")
    @readers.each(&:join)
    @waiter.value.exitstatus
  end

  # The same where another process may go on with its streams.
  def status_alone
    @waiter.join(DEADLINE) || raise("the process has not ended; #{transcript}")
    @waiter.value.exitstatus
  end

  def kill
    Process.kill(:KILL, @pid) if @waiter.alive?
  rescue Errno::ESRCH
    nil
  ensure
    @waiter.join
  end

  private

  def text(name) = @mutex.synchronize { @output[name] }

  def transcript
    "it #{@waiter.alive? ? "runs" : "has ended (#{@waiter.value})"}, and said on standard output:\n#{@output[:out]}\n" \
      "on standard error:\n#{@output[:err]}"
  end

  def collect(name, pipe)
    while (line = pipe.gets)
      change { @output[name] += line }
    end
    change { @ended += 1 }
  ensure
    pipe.close
  end

  def change
    @mutex.synchronize do
      yield
      @changed.broadcast
    end
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
