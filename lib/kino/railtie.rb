# frozen_string_literal: true

require "rails/railtie"

module Kino
  # What Kino is to a Rails app: `bin/rails generate kino:install`, a word in the app's log where its settings don't go
  # with the server's, and the server of its system tests where there is no Puma. It sets nothing, and neither adds a
  # middleware nor takes one away.
  #
  # @api private
  class Railtie < ::Rails::Railtie
    generators { require_relative "../generators/kino/install/install_generator" }

    ::ActiveSupport.on_load(:action_dispatch_system_test_case) { CapybaraServer.step_in }

    class << self
      # Writes a warning to the app's log.
      #
      # @param text [String]
      # @return [Boolean] whether whoever has started the server sees it there
      def warn(text)
        log = ::Rails.logger
        return false unless log&.warn?

        log.warn("Kino: #{text}")
        ::ActiveSupport::Logger.logger_outputs_to?(log, $stdout, $stderr)
      rescue StandardError
        false # the log is the app's, and may be anything
      end
    end
  end

  private_constant :Railtie
end
