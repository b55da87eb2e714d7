# frozen_string_literal: true

# A command that tests. What fails is tried again with nothing beside it, since a shared machine can stand still for
# longer than any deadline: it has failed unless it passes TRIES times in a row, and is said to be unsteady even then,
# which is a fault of its own.
module Again
  TRIES = 3

  module_function

  # @param command [Array<String>] such as ["cargo", "test"]
  # @param alone [Array<String>] the same, one test at a time
  # @param out [IO] where it tells
  # @raise [SystemExit] with status 1 where it has failed
  def run(command, alone, out: $stdout)
    return if system(*command) || steady?(command.join(" "), out: out) { system(*alone) }

    abort "FAILED again: #{alone.join(" ")}"
  end

  # @param what [String] what has failed, which is named where it passes now
  # @param out [IO] where that is told
  # @yieldreturn [Boolean] whether it has passed, tried once more
  # @return [Boolean] whether it has each time
  def steady?(what, out:, &)
    return false unless TRIES.times.all?(&)

    out.puts "UNSTEADY, passed when nothing ran beside: #{what}"
    out.flush
    true
  end
end
