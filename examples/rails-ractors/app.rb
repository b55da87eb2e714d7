# frozen_string_literal: true

require "rails"
require "action_controller/railtie"
require "action_view/railtie"
require "kino/ractor_logger"
require_relative "repairs"

# A Rails app for ractors: what Rails asks of one is in its settings, and it has no Active Record.
class RailsRactors < Rails::Application
  config.load_defaults 7.2
  config.root = __dir__
  # Nothing is loaded, and nothing loaded anew, once ractors run.
  config.eager_load = true
  config.enable_reloading = false
  config.consider_all_requests_local = false

  config.secret_key_base = ENV.fetch("SECRET_KEY_BASE") { "of no use to anyone, but for the specs and the probe" * 2 }
  config.session_store :cookie_store, key: "rails_ractors"

  # Rails' own memory store has a lock, which no ractor can share.
  config.cache_store = :null_store
  # A deprecator is frozen with the rest, and can't warn then.
  config.active_support.report_deprecations = false
  # Ruby bug #22224: with YJIT on Ruby 4.0, each block that becomes a Proc stops all ractors.
  config.yjit = false
  # Each ractor opens the file for itself; Rails' own logger for ractors has the main one write.
  config.logger = Kino::RactorLogger.new($stderr)
  config.log_level = ENV.fetch("LOG_LEVEL", "warn")

  # Blocks of controllers and routes are shared where they can be, from here on.
  if Requirements.ractors?
    require "active_support/ractors"
    ActiveSupport::Ractors.unshareable_proc_action = :warn
  end
end

RailsRactors.initialize!

# As an app would call them in an initializer of its own.
Requirements.missing.empty? ? Repairs.install : Requirements.refuse
