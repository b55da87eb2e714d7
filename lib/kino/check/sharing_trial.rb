# frozen_string_literal: true

require "json"
require_relative "../server/sharing"
require_relative "output/report"
require_relative "parser/source"
require_relative "trial"

module Kino
  module Check
    # The proof for an app that shares itself (`ractorize!`), which freezes it: so that is done in a forked process, and
    # the app is left as it is here.
    #
    # @api private
    module SharingTrial
      # Seconds that sharing may take, besides the trial.
      PATIENCE = 30
      # What to do about an app that can't share itself.
      CURE = "serve it with `mode :threaded`, or mend what it names; doc/rails.md has what Rails asks of an app"
      private_constant :PATIENCE, :CURE

      class << self
        # @param app [#call] a Rack app
        # @return [Boolean] whether this is the way to try it
        def for?(app) = Process.respond_to?(:fork) && Sharing.known?(app)

        # @param app [#call] one that isn't shared yet
        # @param request [Request]
        # @param limit [Numeric] seconds to wait at most for the answer
        # @return [Array(Array<Finding>, Trial)] why it couldn't share itself, if that is so; and what it answered
        def run(app, request, limit: 30)
          trial, fault, place = in_child(limit) { try(app, request, limit) }
          return [[], Trial.new(**trial, outcome: trial.fetch(:outcome).to_sym)] if trial

          finding = Finding.new(kind: :ractorize, path: "app", type: app.class.name, value: nil, why: fault,
                                where: place, cure: CURE)
          [[finding], Trial.skip(request)]
        end

        private

        def try(app, request, limit)
          Sharing.share(app)
          [Trial.run(app, request, limit: limit).to_h]
        rescue UnshareableAppError => error
          path, line = error.cause.backtrace&.first&.match(/\A(.+?):(\d+)/)&.captures
          why = "its ractorize! raised #{error.cause.class}: #{error.cause.message.scrub}"
          [nil, why, (Files.place(path, line) if path)]
        end

        # What the block gives there. It ends without waiting for ractors, which may never end.
        def in_child(limit)
          reader, writer = IO.pipe
          pid = fork do
            writer.write(JSON.generate(yield))
          ensure
            exit!
          end
          writer.close
          silent = reader.wait_readable(limit + PATIENCE).nil?
          Process.kill(:KILL, pid) if silent
          given = reader.read
          status = Process.wait2(pid).last
          return JSON.parse(given, symbolize_names: true) unless given.empty?

          [nil, silent ? "its ractorize! doesn't end" : "its ractorize! ended its process (#{fate(status)})"]
        ensure
          reader.close
        end

        def fate(status)
          status.signaled? ? "SIG#{Signal.signame(status.termsig)}" : "exit status #{status.exitstatus}"
        end
      end
    end
  end
end
