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
    return if system(*command)

    abort "FAILED again: #{alone.join(" ")}" unless TRIES.times.all? { system(*alone) }
    out.puts "UNSTEADY, passed when nothing ran beside: #{command.join(" ")}"
    out.flush
  end
end
