# frozen_string_literal: true

require_relative "configuration/rackup_options"
require_relative "processes/command"
require_relative "processes/rackup_process"

module Kino
  # What {::Rackup::Handler::Kino} serves with. That stands outside of Kino, so this one is no private constant.
  #
  # @api private
  module RackupServer
    class << self
      # Serves an app until it is told to stop.
      #
      # @param app [#call] a Rack app
      # @param options [Hash{Symbol => Object}] the handler's keyword arguments
      # @param picked [Boolean] whether rackup picked Kino without being told to, see {DefaultServer}
      # @yieldparam server [Server] the server, once it listens
      # @return [void]
      # @raise [ConfigurationError] when an option isn't allowed
      # @raise [BindError] when an address can't be listened on
      def serve(app, options, picked: false, &block)
        read = ->(env = ENV) { RackupOptions.new(options).configuration(env) }
        notices = picked ? [DefaultServer::NOTICE] : []
        process = RackupProcess.look.prepare
        Command.new(read.call, read: read, notices: notices, whole: process.whole?) { app }.serve do |server|
          process.serves
          block&.call(server)
        end
      end

      # @return [Hash{String => String}] the options, and what they do
      def valid_options = RackupOptions.valid
    end
  end
end
