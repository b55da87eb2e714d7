# frozen_string_literal: true

require_relative "eventually"

# What reaches standard error while a server runs, whoever writes it: the app through rack.errors, Ruby's own warnings,
# native code. Nothing is expected there unless a spec waits for it.
class ErrorLog
  DEADLINE = Eventually::DEADLINE

  # Yields a log; standard error goes to it until the block ends.
  def self.capture
    reader, writer = IO.pipe
    original = $stderr.dup
    $stderr.reopen(writer)
    log = new(reader)
    begin
      yield log
    ensure
      $stderr.flush
      Kino.const_get(:Native).flush_log if Kino.const_defined?(:Native)
      $stderr.reopen(original)
      [writer, original].each(&:close)
      log.finish
    end
  end

  def initialize(reader)
    @bytes = +"".b
    @text = ""
    @allowed = false
    @mutex = Mutex.new
    @grown = ConditionVariable.new
    @collector = Thread.new { collect(reader) }
  end

  def text = @mutex.synchronize { @text }

  # Waits until the log has something that matches, and answers all of it: errors may be logged after the answer is out.
  def wait_for(pattern)
    deadline = now + DEADLINE
    @mutex.synchronize do
      @allowed = true
      until @text.match?(pattern)
        left = deadline - now
        raise "nothing on standard error matched #{pattern.inspect} in #{DEADLINE} s. It has:\n#{@text}" if left <= 0

        @grown.wait(@mutex, left)
      end
      @text
    end
  end

  # From now on anything may be logged, or nothing.
  def allow = @mutex.synchronize { @allowed = true }

  # Everything, unless something was waited for or allowed.
  def unexpected = @mutex.synchronize { @allowed ? "" : @text }

  def finish = @collector.join

  private

  def collect(reader)
    loop do
      @bytes << reader.readpartial(65_536)
      @mutex.synchronize do
        @text = @bytes.dup.force_encoding(Encoding::UTF_8).scrub
        @grown.broadcast
      end
    end
  rescue EOFError
    reader.close
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
