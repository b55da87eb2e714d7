# frozen_string_literal: true

require "json"
require "kino"
require "rack"
require_relative "stress"

module Bench
  module Soak
    # Runs Kino for a soak, in a process of its own that can be asked for the server's counters: USR1 writes them into a
    # file, TERM stops the server. Run as a program it takes its settings as JSON.
    class Host
      # What the signals are to the thread that waits for them.
      TOKENS = { "USR1" => "c", "TERM" => "s" }.freeze
      # Seconds that requests may take to end.
      DRAIN = 10
      # Seconds that a request may wait: on a machine that does something else, too, a 503 would tell nothing of it.
      QUEUE_TIMEOUT = 60

      # @param app [String] a rackup file
      # @param counters [String] the file for the counters
      # @param stress [Boolean] whether one worker has the garbage collector work at every allocation
      # @param settings [Hash{Symbol => Object}] Kino's own
      def initialize(app:, counters:, stress:, **settings)
        hooks = stress ? { on_worker_boot: [Stress] } : {}
        @server = Kino::Server.new(Rack::Builder.parse_file(app), queue_timeout: QUEUE_TIMEOUT, **settings, **hooks)
        @counters = counters
      end

      # @return [Boolean] whether all requests had ended when it was to stop
      def run
        reader, writer = IO.pipe
        TOKENS.each { |signal, token| trap(signal) { writer.write_nonblock(token) } }
        @server.start
        write_counters while reader.read(1) == TOKENS["USR1"]
        @server.stop(DRAIN)
      end

      private

      # Whoever waits for the file finds it whole.
      def write_counters
        File.write("#{@counters}.new", JSON.generate(@server.stats))
        File.rename("#{@counters}.new", @counters)
      end
    end
  end
end

exit!(Bench::Soak::Host.new(**JSON.parse(ARGV.fetch(0), symbolize_names: true)).run) if $PROGRAM_NAME == __FILE__
