# frozen_string_literal: true

require "rails"
require "rack"

# What serving Rails from ractors takes of Ruby, Rails and Rack, and whether those at hand have it.
module Requirements
  class << self
    # @return [Array<String>] what is missing, in words; empty where nothing is
    def missing = [ruby, rails, rack].compact

    # @return [Boolean] whether this Rails knows of ractors
    def ractors? = Rails::Application.method_defined?(:ractorize!)

    # Whoever wants the app to share itself, as Kino does in mode :ractor, hears what is missing.
    #
    # @return [void]
    def refuse
      words = missing.join("; ")
      Rails.application.define_singleton_method(:ractorize!) { raise words }
    end

    private

    def ruby
      "Ruby #{RUBY_VERSION} is older than 4.0, whose ractors can share what Rails is made of" if RUBY_VERSION < "4.0"
    end

    def rails
      "Rails #{Rails.version} has no Rails.application.ractorize!, as its main branch has since 2026" unless ractors?
    end

    def rack
      return if $LOAD_PATH.resolve_feature_path("rack/ractorize")

      "Rack #{Rack.release} has no rack/ractorize, as its main branch has since 2026"
    end
  end
end
