# frozen_string_literal: true

# Where rackup is installed it must be there first, to register with; where it isn't, the handler works all the same.
begin
  require "rackup/handler"
rescue LoadError => error
  raise unless error.path == "rackup/handler"
end
require "kino"
require "kino/rackup_server"

# Rack's command line tool, which starts any Rack server.
module Rackup
  # Where rackup looks for servers.
  module Handler
    # Lets `rackup -s kino` and `rails server -u kino` start Kino.
    #
    # @example
    #   rackup -s kino -p 3000 -O workers=2 -O threads=8
    module Kino
      class << self
        # @api private
        # @return [Boolean] whether rackup picked it without being told to, see `kino/default_server.rb`
        attr_accessor :picked

        # Serves an app until it is told to stop. On the main thread INT, TERM, QUIT and HUP are taken over meanwhile:
        # the first lets the requests that run finish, a second ends the process at once.
        #
        # @param app [#call] a Rack app
        # @param options [Hash{Symbol => Object}] `Host`, `Port`, `environment`, `Silent`, `config_file`, and any
        #   setting of {::Kino::Configuration}; the environment and `kino.rb` count as they do for `kino`
        # @yieldparam server [::Kino::Server] the server, once it listens; stopped, it ends as it does for TERM
        # @return [void]
        # @raise [::Kino::ConfigurationError] when an option isn't allowed
        # @raise [::Kino::BindError] when an address can't be listened on
        def run(app, **options, &block)
          ::Kino::RackupServer.serve(app, options, picked: picked, &block)
          nil
        rescue ::Kino::Error => error
          # The message says all there is to say, so what rackup prints is that, and not frames of rackup and Kino.
          raise error.class, error.message, [], cause: nil
        end

        # @return [Hash{String => String}] the options of `-O`, and what they do
        def valid_options = ::Kino::RackupServer.valid_options
      end
    end

    register(:kino, Kino) if respond_to?(:register)
  end
end
