# frozen_string_literal: true

require_relative "configuration/rackup_options"
require_relative "processes/command"

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
        read = -> { RackupOptions.new(options).configuration }
        notices = picked ? [DefaultServer::NOTICE] : []
        parent = Process.pid
        boot = lambda do
          disown_pid_files unless Process.pid == parent
          app
        end
        Command.new(read.call, read: read, notices: notices, &boot).run(&block)
      end

      # @return [Hash{String => String}] the options, and what they do
      def valid_options = RackupOptions.valid

      private

      # Rackup removes its pid file when a process ends, and so would each that is forked from this one.
      def disown_pid_files
        return unless defined?(::Rackup::Server)

        ObjectSpace.each_object(::Rackup::Server) do |server|
          pid = server.options[:pid]
          server.options = { **server.options, pid: "#{pid}.#{Process.pid}" } if pid
        end
      end
    end
  end
end
