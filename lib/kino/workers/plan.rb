# frozen_string_literal: true

require_relative "../rack/error_page"
require_relative "../server/log"
require_relative "crew"
require_relative "ractors"

module Kino
  # What every worker of a server goes by; shareable.
  #
  # @!attribute [r] engine
  #   @return [Integer] the running engine's number
  # @!attribute [r] threads
  #   @return [Integer] threads that a worker has at least
  # @!attribute [r] elastic
  #   @return [Boolean] whether it has more at times, see {Crew}
  # @!attribute [r] io_bound
  #   @return [Boolean] whether requests are offered `puma.mark_as_io_bound`
  # @!attribute [r] multithread
  #   @return [Boolean] whether the app may be called by several threads at once
  # @!attribute [r] multiprocess
  #   @return [Boolean] whether other processes serve the same app
  # @!attribute [r] error_page
  #   @return [ErrorPage, nil] see {Failure}
  # @!attribute [r] early_hints
  #   @return [Boolean] whether requests are offered `rack.early_hints`
  # @!attribute [r] on_boot
  #   @return [Array<#call>] called with the worker's index before it serves
  # @!attribute [r] on_stop
  #   @return [Array<#call>] called with it after it has served
  # @!attribute [r] on_thread
  #   @return [Array<#call>] called with it in each thread before that serves
  # @!attribute [r] error_handler
  #   @return [#call, nil] see {Failure}
  # @!attribute [r] on_error
  #   @return [Array<#call>] see {Failure}
  # @!attribute [r] log_form
  #   @return [Symbol] see {Failure}
  #
  # @api private
  Plan = Data.define(:engine, :threads, :elastic, :io_bound, :multithread, :multiprocess, :error_page, :early_hints,
                     :on_boot, :on_stop, :on_thread, :error_handler, :on_error, :log_form) do
    class << self
      # @param native [Native::Engine] a started engine
      # @param settings [Configuration] with the mode that was chosen
      # @return [Plan]
      # @raise [ConfigurationError] when a hook can't be shared between ractors
      def of(native, settings)
        in_ractors = settings.mode == :ractor
        boot, stop, thread, handler, on_error = hooks(settings).map do |list|
          in_ractors ? list.map { |hook| Ractors.share(hook) }.freeze : list
        end
        new(native.number, settings.min_threads, Crew.elastic?(settings), settings.max_io_threads.positive?,
            !in_ractors || settings.threads > 1, settings.processes > 1, ErrorPage.of(settings),
            settings.early_hints, boot, stop, thread, handler.first, on_error, Log.form(settings))
      end

      private

      def hooks(settings)
        [settings.on_worker_boot, settings.on_worker_stop, settings.on_thread_boot,
         [*settings.lowlevel_error_handler], settings.on_error]
      end
    end
  end

  private_constant :Plan
end
