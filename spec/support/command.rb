# frozen_string_literal: true

require "rbconfig"

# `bundle exec kino` in a folder, as its user runs it, on a port of the system's choice.
class Command
  CHECKOUT = File.expand_path("../..", __dir__)
  DEADLINE = 120

  # Starts it, yields it once it listens, and stops it with TERM; answers its exit status.
  def self.run(folder, *arguments, environment: {})
    command = new(File.join(CHECKOUT, folder), arguments, environment)
    command.wait_until_listening
    yield command
    command.terminate
  ensure
    command&.kill
  end

  # Where it listens: `http://127.0.0.1:PORT`.
  attr_reader :url

  def initialize(folder, arguments, environment)
    output, @input = IO.pipe
    @said = +""
    @pid = Process.spawn(
      { "BUNDLE_GEMFILE" => File.join(CHECKOUT, "Gemfile"), "PORT" => nil, "RACK_ENV" => nil, "RAILS_ENV" => nil }
        .merge(environment),
      RbConfig.ruby, "-S", "bundle", "exec", File.join(CHECKOUT, "exe/kino"), "-b", "tcp://127.0.0.1:0", *arguments,
      chdir: folder, in: File::NULL, out: @input, err: @input
    )
    @input.close
    @lines = Queue.new
    @reader = Thread.new { output.each_line { |line| @lines << line } && @lines.close }
  end

  def port = Integer(url[/\d+\z/])

  # All it said so far, on both outputs.
  def said
    @said << @lines.pop until @lines.empty?
    @said
  end

  def wait_until_listening
    until (@url = @said[%r{^Listening on (http://\S+)}, 1])
      line = @lines.pop(timeout: DEADLINE)
      raise "kino did not listen:\n#{@said}" unless line

      @said << line
    end
  end

  def terminate
    Process.kill(:TERM, @pid)
    ended = Thread.new { Process.wait2(@pid).last }.join(DEADLINE)
    raise "kino did not end within #{DEADLINE} s of TERM:\n#{said}" unless ended

    @pid = nil
    @reader.join
    ended.value
  end

  # For a server that no test got to stop.
  def kill
    return unless @pid

    Process.kill(:KILL, @pid)
    Process.wait(@pid)
  end
end
