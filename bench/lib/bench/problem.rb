# frozen_string_literal: true

# What bench/compare and bench/soak are made of.
module Bench
  # The checkout.
  ROOT = File.expand_path("../../..", __dir__)

  # Something that keeps a benchmark from being made, said so that whoever reads it knows what to do.
  class Problem < StandardError
  end

  module_function

  # Progress goes to stderr, so that stdout holds the results only.
  def say(text)
    $stderr.puts(text)
  end

  # @return [Float] seconds, of a clock that only goes forward
  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  # Runs a command line program: problems become one line, Ctrl-C and TERM leave through every `ensure`.
  # @return [void] exits with the block's value: true is 0, false is 1
  def main(name)
    trap("TERM") { raise Interrupt }
    exit yield
  rescue Problem => e
    abort "#{name}: #{e.message}"
  rescue Interrupt
    abort "\n#{name}: interrupted; everything it started was ended"
  end

  # Runs a program to its end. Interrupted, it is ended: a load must not outlive the benchmark.
  # @param command [Array<String>]
  # @return [String] what it said
  # @raise [Problem] when it failed
  def output(*command)
    pipe = IO.popen(command, err: %i[child out])
    said = pipe.read
    pipe.close
    raise Problem, "`#{command.join(" ")}` failed:\n#{said}" unless $?.success?

    said
  ensure
    end_early(pipe) unless pipe.nil? || pipe.closed?
  end

  def end_early(pipe)
    Process.kill("TERM", pipe.pid)
    pipe.close
  rescue Errno::ESRCH
    nil # it ended on its own
  end
  private_class_method :end_early

  # @return [Boolean] whether a program is in the PATH
  def program?(name)
    ENV["PATH"].split(File::PATH_SEPARATOR).any? { |folder| File.executable?(File.join(folder, name)) }
  end
end
