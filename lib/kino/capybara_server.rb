# frozen_string_literal: true

module Kino
  # What `Capybara.server = :kino` starts, whichever of the two is required first. Where nobody names a server, Capybara
  # takes Puma, and fails where that isn't in the bundle; Kino is taken there instead.
  #
  # @api private
  module CapybaraServer
    # For {::Capybara}: Kino is among its servers.
    module Servers
      # @return [Capybara::RegistrationContainer] the servers
      def servers = super.tap { |all| all.send(:register, :kino, CapybaraServer) unless all[:kino] }

      # What Capybara calls where nobody has named a server.
      #
      # @param app (see CapybaraServer.call)
      # @param port (see CapybaraServer.call)
      # @return [void]
      def run_default_server(app, port)
        CapybaraServer.needed? ? servers[:kino].call(app, port, server_host) : super
      end
    end

    # For Object, until there is a Capybara. Classes, which inherit this, have constants of their own.
    module Arrival
      # @param name [Symbol] a constant that there is now
      # @return [void]
      def const_added(name)
        super
        CapybaraServer.join if name == :Capybara && equal?(::Object)
      end
    end

    class << self
      # Joins Capybara's servers, now or as soon as there is a Capybara.
      #
      # @return [void]
      def offer
        defined?(::Capybara) ? join : Object.singleton_class.prepend(Arrival)
      end

      # @return [void]
      def join
        ::Capybara.singleton_class.prepend(Servers) unless Object.autoload?(:Capybara)
      end

      # For Rails' system tests, which name Puma where nobody has named a server.
      #
      # @return [void]
      def step_in
        ::Capybara.server = :kino if ::Capybara.server == ::Capybara.servers[:default] && needed?
      end

      # @return [Boolean] whether there is no Puma
      def needed?
        require "puma"
        false
      rescue LoadError => error
        raise unless error.path == "puma"

        true
      end

      # Serves until the process ends, as Capybara wants it, and says nothing. Neither kino.rb nor the environment
      # counts: tests have Kino's defaults, and what they say themselves.
      #
      # @param app [#call] a Rack app
      # @param port [Integer] the one that Capybara has found to be free, and asks at
      # @param host [String] where Capybara asks
      # @param options [Hash{Symbol => Object}] settings, and what is said to Puma here: `Threads: "0:4"` and `Host:`
      #   are taken, whatever else begins with a capital (`Silent: true`) is passed over
      # @return [void]
      # @raise [ConfigurationError] for a name that is no setting, and a value that isn't allowed
      def call(app, port, host, **options)
        foreign, own = options.partition { |name, _| name.match?(/\A[A-Z]/) }.map(&:to_h)
        threads, host = foreign.values_at(:Threads, :Host).zip([nil, host]).map { |said, otherwise| said || otherwise }
        Server.new(app, port:, host:, environment: "test", **{ threads: }.compact, **own).run
      end
    end
  end

  private_constant :CapybaraServer
end
