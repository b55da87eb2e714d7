# frozen_string_literal: true

require_relative "log"
require_relative "teller"

module Kino
  # What a command says of its server: to standard output and standard error, or to the setting `logger`. Whoever reads
  # that may have gone, or the disk be full; that is no reason to stop serving.
  #
  # @api private
  class Voice
    # @param configuration [Configuration]
    # @param out [IO] for what Kino does
    # @param err [IO] for what goes wrong
    def initialize(configuration, out, err)
      @is_quiet = configuration.quiet
      out, err = Log.outlets(configuration, out, err)
      @streams = [out, err, $stdout, $stderr].uniq
      @out, @err = [out, err].map { |io| Teller.new(io) }
    end

    # What Kino does, unless nobody wants to hear that.
    #
    # @param line [String]
    # @return [void]
    def say(line) = (note(line) unless @is_quiet)

    # What others have it do: worth knowing also where nobody wants to hear of its start and stop.
    #
    # @param line [String]
    # @return [void]
    def note(line) = @out.tell { |io| io.puts line }

    # What goes wrong.
    #
    # @param lines [Array<String>]
    # @return [void]
    def complain(*lines) = @err.tell { |io| io.puts(lines.map { |line| "kino: #{line}" }) }

    # Waits a moment for what has not been written yet, before the process goes on to other things, or ends.
    #
    # @return [void]
    def finish = [@out, @err].each(&:finish)

    # The same where the process ends without its ordinary end.
    #
    # @return [void]
    def flush
      finish
      @streams.each { |stream| Teller.new(stream).tell(&:flush) }
      Native.flush_log if defined?(Native)
    end
  end

  private_constant :Voice
end
