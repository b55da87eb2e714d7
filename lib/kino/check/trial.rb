# frozen_string_literal: true

require_relative "../workers/ractors"
require_relative "files"
require_relative "request"
require_relative "trial_call"

module Kino
  module Check
    # The proof: the app, called once in a ractor.
    #
    # @!attribute [r] request
    #   @return [String] what it was asked: `"GET /"`
    # @!attribute [r] outcome
    #   @return [Symbol] `:answered`, `:raised`, `:silent` (no answer in time) or `:skipped` (there are findings)
    # @!attribute [r] status
    #   @return [Integer, nil] what it answered
    # @!attribute [r] exception
    #   @return [Hash{Symbol => String, nil}, nil] of what it raised: `:class`, `:message` and `:where`, file:line in
    #     the app's own code
    Trial = Data.define(:request, :outcome, :status, :exception) do
      class << self
        # @param app [#call] a shareable one
        # @param request [Request]
        # @param limit [Numeric] seconds to wait at most
        # @return [Trial]
        def run(app, request, limit: 30)
          status, error, message, frames = result(app, request, limit)
          return new(request.to_s, status, nil, nil) if status == :silent
          return new(request.to_s, :answered, status, nil) if status

          new(request.to_s, :raised, nil, { class: error, message: message, where: place(frames.to_a) })
        end

        # @param request [Request]
        # @return [Trial] one that wasn't made
        def skip(request) = new(request.to_s, :skipped, nil, nil)

        private

        # A ractor can't be ended from outside: one that doesn't answer is left behind.
        def result(app, request, limit)
          ractor = Ractors.start(app, request) { |*given| TrialCall.new(*given).result }
          thread = Thread.new { Ractors.value(ractor) }
          thread.report_on_exception = false
          return :silent unless thread.join(limit)

          thread.value || [nil, "ThreadError", "the app ended the thread that called it (Thread.exit)", nil]
        rescue Ractor::RemoteError => error
          [nil, error.cause.class.name, error.cause.message, error.cause.backtrace]
        end

        def place(frames)
          frame = frames.find { |one| Files.own?(one[/\A(.+?):\d+/, 1]) } || frames.first
          frame&.[](/\A.+?:\d+/)&.delete_prefix("#{Dir.pwd}/")
        end
      end

      # @return [Boolean] whether the app answered, and with no error of its own
      def passed? = outcome == :answered && status < 500

      # @return [Hash{Symbol => Object}] for JSON
      def to_h = super.merge(outcome: outcome.to_s)
    end
  end
end
