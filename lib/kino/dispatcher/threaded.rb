# frozen_string_literal: true

require_relative "../worker"

module Kino
  # Who runs the workers, one way for each mode.
  #
  # @api private
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
        @workers = {}
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

          @lock.synchronize { @workers.delete(thread) }
        end
        true
      end

      # @param thread [Thread]
      # @return [Boolean] whether it is one of the workers
      def worker?(thread) = @lock.synchronize { @workers.key?(thread) }

      # Ends the workers, whatever they do.
      #
      # @return [void]
      def kill
        @stopping = true
        @lock.synchronize { @workers.each_value(&:dismiss) }
        others.each(&:kill)
      end

      private

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      # A worker that stops its own server must not wait for itself.
      def others = @lock.synchronize { @workers.keys - [Thread.current] }

      def spawn(index)
        worker = Worker.new(@native.worker(@template), @app, @failure)
        @lock.synchronize do
          thread = Thread.new { run(worker, index) }
          thread.name = "kino #{index + 1}"
          thread.report_on_exception = false
          @workers[thread] = worker
        end
      end

      def run(worker, index)
        ended = worker.run
      ensure
        unless ended || @stopping
          spawn(index)
          @lock.synchronize { @workers.delete(Thread.current) }
        end
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
