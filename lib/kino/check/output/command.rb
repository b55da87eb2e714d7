# frozen_string_literal: true

require "json"
require_relative "../../server/app_loader"
require_relative "../../check"
require_relative "text"

module Kino
  module Check
    # `kino --check`.
    #
    # @api private
    class Command
      # @param configuration [Configuration]
      # @param request [String] for the trial
      # @param format [String] `"text"` or `"json"`
      # @param out [IO] for the report, and nothing else
      # @param err [IO] for what the app prints
      # @param leave [#call] ends the process with a status, without waiting for ractors that may never end
      def initialize(configuration, request:, format:, out:, err:, leave: Process.method(:exit!))
        @configuration = configuration
        @request = request
        @format = format
        @out = out
        @err = err
        @leave = leave
      end

      # @return [Integer] the exit status: 0 when the app runs in `:ractor` mode, 1 when it doesn't
      # @raise [AppLoadError]
      def run
        report = aside { report_on(load) }
        @out.puts(@format == "json" ? JSON.pretty_generate(report.to_h) : Text.new(report, Colours.for(@out)).to_s)
        status = report.ractor? ? 0 : 1
        report.trial.outcome == :silent ? leave(status) : status
      end

      private

      def load
        @loaded = Loaded.new
        @loaded.watch { AppLoader.load(@configuration.rackup, @configuration.environment) }
      end

      def report_on(app)
        Check.report(app, request: @request, rackup: @configuration.rackup, threads: @configuration.capacity,
                          loaded: @loaded)
      end

      def leave(status)
        [@out, @err].each(&:flush)
        @leave.call(status)
      end

      # What the app prints mustn't get into the report.
      def aside
        before = $stdout
        $stdout = @err
        yield
      ensure
        $stdout = before
      end
    end
  end
end
