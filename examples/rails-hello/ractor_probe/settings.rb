# frozen_string_literal: true

require "rails"

module RactorProbe
  # What Rails asks of an app that is to be shared, from the version on that knows of any.
  class Settings < Rails::Railtie
    initializer "ractor_probe.settings", before: :initialize_logger do |app|
      if app.respond_to?(:ractorize!)
        require "active_support/ractors"
        ActiveSupport::Ractors.unshareable_proc_action = :warn # tries, where nil wouldn't
        ActiveSupport.deprecator.silenced = true
        app.config.logger = ActiveSupport::Ractors::Logger.new
        app.config.cache_store = :null_store
        app.config.public_file_server.enabled = false
      end
    end
  end
end
