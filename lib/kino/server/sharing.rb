# frozen_string_literal: true

require_relative "../errors"

module Kino
  # Apps that know themselves how they are shared between ractors, by a method `ractorize!`: Rails has one from the
  # version after 8.1 on. It is called once, on the main ractor, when a server in mode `:ractor` starts; what stands
  # around the app is shared after it.
  #
  # @api private
  module Sharing
    class << self
      # @param app [#call] a Rack app
      # @return [Boolean] whether it isn't shared yet, and it, or the Rails application in it, knows how
      def known?(app) = !::Ractor.shareable?(app) && (sharer(app) ? true : false)

      # Shares it, where it isn't shared yet and knows how.
      #
      # @param app [#call] a Rack app
      # @return [void]
      # @raise [UnshareableAppError] when that fails, which leaves some of the app frozen
      def share(app)
        return unless known?(app)

        sharer(app).ractorize!
        ::Ractor.make_shareable(app)
      rescue StandardError, ScriptError => error
        raise UnshareableAppError, explain(error)
      end

      private

      # The app itself comes first: one that holds Rails may share that, and more.
      def sharer(app)
        rails = ::Rails.application if defined?(::Rails) && ::Rails.respond_to?(:application)
        [app, rails].find { |one| one.respond_to?(:ractorize!) }
      end

      # A block that can't be shared is named in the message.
      def explain(error)
        place = error.backtrace&.first&.delete_prefix("#{Dir.pwd}/")
        "the app can't be shared between ractors, so mode :ractor can't run it: its ractorize! raised " \
          "#{error.class}: #{error.message}#{" (#{place})" if place}\nSome of it is frozen now, so nothing else can " \
          "be done with it in this process; mode :threaded runs every app, and doc/rails.md has what Rails asks of " \
          "one that is to be shared"
      end
    end
  end

  private_constant :Sharing
end
