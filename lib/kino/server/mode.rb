# frozen_string_literal: true

require_relative "../workers/ractors"
require_relative "sharing"

module Kino
  # Which of the modes a server runs in, and why: `:auto` is decided once, when it starts.
  #
  # @!attribute [r] name
  #   @return [Symbol] `:threaded` or `:ractor`
  # @!attribute [r] reason
  #   @return [String, nil] why, where that was Kino's to decide
  # @!attribute [r] warning
  #   @return [String, nil] what its user should know
  # @api private
  Mode = Data.define(:name, :reason, :warning)

  # How the mode is chosen.
  class Mode
    # What is said where {Mode.closures_stop_ractors?} and there are several.
    SLOW_CLOSURES = "with YJIT on Ruby #{RUBY_VERSION}, every block that becomes a Proc stops all ractors (Ruby bug " \
                    "#22224), which makes several of them slower than one; turn YJIT off (RUBY_YJIT_ENABLE=0, no " \
                    "--yjit), use a newer Ruby, or write mode :threaded".freeze
    private_constant :SLOW_CLOSURES

    class << self
      # @param app [#call] a Rack app
      # @param configuration [Configuration]
      # @return [Mode]
      # @raise [UnshareableAppError] when `:ractor` is asked for and the app can't be shared: one that says itself how
      #   is shared here, see {Sharing}
      def of(app, configuration)
        case configuration.mode
        when :threaded then new(:threaded, nil, nil)
        when :ractor then ractor(app, configuration)
        else auto(app, configuration)
        end
      end

      # Ruby bug #22224: with YJIT, every closure that an app makes stops all ractors for a moment.
      #
      # @return [Boolean] whether this Ruby has it, as it runs now
      def closures_stop_ractors?
        RUBY_VERSION < "4.1" && defined?(RubyVM::YJIT) && RubyVM::YJIT.enabled? ? true : false
      end

      private

      def ractor(app, configuration)
        Sharing.share(app)
        raise unshareable(app) unless ::Ractor.shareable?(app)

        warning = SLOW_CLOSURES if configuration.workers > 1 && closures_stop_ractors?
        new(:ractor, nil, warning)
      end

      def auto(app, configuration)
        reason = obstacle(app, configuration)
        return new(:threaded, reason, nil) if reason

        new(:ractor, "the app can be shared between ractors", nil)
      end

      # Why ractors would not do, in the order in which that is cheap to find out.
      def obstacle(app, configuration)
        if Sharing.known?(app)
          "an app that shares itself (ractorize!) does so in mode :ractor alone, which is an experiment with Rails"
        elsif rails? then "Rails can't be shared between ractors"
        elsif !Ractors.parallel? then "ractors of Ruby #{RUBY_VERSION} get in each other's way"
        elsif configuration.with(mode: :ractor).workers > 1 && closures_stop_ractors?
          "with YJIT, ractors of this Ruby stop each other"
        elsif !::Ractor.shareable?(app) || Check.findings(app).any?
          "the app can't be shared between ractors (kino --check says why)"
        end
      end

      def rails? = defined?(::Rails) && ::Rails.respond_to?(:application) && !::Rails.application.nil?

      def unshareable(app)
        findings = Check.findings(app)
        named = findings.first(3).map { |finding| "  #{finding}" }
        more = findings.size - named.size
        named << "  and #{more} more" if more.positive?
        UnshareableAppError.new(["the app can't be shared between ractors, so mode :ractor can't run it " \
                                 "(kino --check explains it all; mode :threaded runs every app):", *named].join("\n"),
                                findings: findings)
      end
    end
  end

  private_constant :Mode
end
