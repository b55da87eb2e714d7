# frozen_string_literal: true

module Kino
  # What `Capybara.server = :kino` starts, whichever of the two is required first.
  #
  # @api private
  module CapybaraServer
    # For {::Capybara}: Kino is among its servers.
    module Servers
      # @return [Capybara::RegistrationContainer] the servers
      def servers = super.tap { |all| all.send(:register, :kino, CapybaraServer) unless all[:kino] }
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

      # Serves until the process ends, as Capybara wants it. Neither kino.rb nor the environment counts: tests have
      # Kino's defaults, and what they say themselves.
      #
      # @param app [#call] a Rack app
      # @param port [Integer]
      # @param host [String]
      # @param options [Hash{Symbol => Object}] settings; those of other servers, which begin with a capital, are passed
      #   over
      # @return [void]
      def call(app, port, host, **options)
        Server.new(app, port:, host:, **options.reject { |name, _| name.match?(/\A[A-Z]/) }).run
      end
    end
  end

  private_constant :CapybaraServer
end
