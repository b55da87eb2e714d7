# frozen_string_literal: true

require_relative "../worker"

module Kino
  module Dispatcher
    # Runs the workers of `:threaded` mode: `workers` x `threads` threads of the main ractor.
    #
    # @api private
    class Threaded
      # @param native [Native::Server] a started engine
      # @param app [#call] a Rack app
      # @param configuration [Configuration]
      def initialize(native, app, configuration)
        @native = native
        @app = app
        @template = template
        @failure = Failure.new(configuration.environment, $stderr)
        @size = configuration.workers * configuration.threads
        @threads = []
        @lock = Mutex.new
        @stopping = false
      end

      # @return [void]
      def start = @size.times { |index| spawn(index) }

      # Waits until all workers have come to their end.
      #
      # @param limit [Numeric, nil] seconds to wait at most
      # @return [Boolean] whether they have
      def join(limit = nil)
        until_then = limit && (now + limit)
        while (thread = others.first)
          return false unless thread.join(until_then && [until_then - now, 0].max)

          @lock.synchronize { @threads.delete(thread) }
        end
        true
      end

      # Ends the workers, whatever they do.
      #
      # @return [void]
      def kill
        @stopping = true
        others.each(&:kill)
      end

      private

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      # A worker that stops its own server must not wait for itself.
      def others = @lock.synchronize { @threads - [Thread.current] }

      def spawn(index)
        thread = Thread.new do
          ended = false
          ended = Worker.new(@native.worker(@template), @app, @failure).run
        ensure
          spawn(index) unless ended || @stopping
        end
        thread.name = "kino #{index + 1}"
        thread.report_on_exception = false
        @lock.synchronize { @threads << thread }
      end

      # What is the same in every request's env.
      def template
        { "SCRIPT_NAME" => "", "SERVER_SOFTWARE" => "Kino/#{VERSION}", "GATEWAY_INTERFACE" => "CGI/1.2",
          "rack.url_scheme" => "http", "rack.errors" => $stderr, "rack.multithread" => true,
          "rack.multiprocess" => false, "rack.run_once" => false }.freeze
      end
    end
  end
end
