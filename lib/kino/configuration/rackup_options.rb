# frozen_string_literal: true

require_relative "../configuration"

module Kino
  # What `rackup`, `rails server` and others hand to a Rack handler, made a {Configuration}. They pass their own
  # defaults and concerns along with what the user asked for; only the latter outranks the environment and kino.rb.
  #
  # @api private
  class RackupOptions
    # What rackup and Rails pass that is no server's business.
    FOREIGN = %i[app builder caching config daemonize debug heapfile include log_stdout pid profile_file
                 profile_mode require restart_cmd server user_supplied_options warn].freeze
    # The option that names a configuration file, as `kino -C` does.
    CONFIG_FILE = :config_file
    # rackup's own default port, an Integer; what its user gives comes as text.
    RACKUP_PORT = 9292
    # rackup's own default hosts: in development, and elsewhere.
    RACKUP_HOSTS = %w[localhost 0.0.0.0].freeze
    # What `bin/rails restart` touches.
    RAILS_RESTART = "tmp/restart.txt"
    private_constant :FOREIGN, :RACKUP_PORT, :RACKUP_HOSTS, :RAILS_RESTART

    # @return [Hash{String => String}] the options and what they do, for `rackup -s kino -h`
    def self.valid
      settings = Configuration::Settings::KEPT.reject { |setting| setting.name == :rackup || setting.code? }
      { "Host=HOST" => "host to listen on", "Port=PORT" => "port to listen on",
        **settings.to_h { |setting| ["#{setting.name}=#{setting.kind.label}", setting.synopsis] },
        "#{CONFIG_FILE}=FILE" => "configuration file; - for none (default kino.rb, then config/kino.rb)" }
    end

    # @param options [Hash{Symbol => Object}] the handler's keyword arguments
    def initialize(options)
      @options = options.compact
      @given = Configuration::Layer.new
      @fallback = Configuration::Layer.new
    end

    # @param env [Hash{String => String}, ENV]
    # @return [Configuration]
    # @raise [ConfigurationError]
    def configuration(env = ENV)
      take_address
      take(:quiet, true) if @options[:Silent]
      @options.each { |name, value| take_option(name, value) }
      take(:restart_file, RAILS_RESTART, false) if rails?
      Configuration.load(@given, env: env, path: @options[CONFIG_FILE], fallback: @fallback)
    end

    private

    def take_address
      host, port = @options.values_at(:Host, :Port)
      return take(:bind, host.sub(%r{\A/}, "unix:///")) if host.to_s.match?(%r{\A(/|unix://)})

      return take(:bind, secured(host, port)) if host.to_s.start_with?("ssl://")

      take(:host, host, supplied?(:Host, RACKUP_HOSTS)) if host
      take(:port, port, supplied?(:Port, [RACKUP_PORT])) if port
    end

    # A port that the address doesn't name is the one beside it.
    def secured(address, port)
      place, query = address.split("?", 2)
      place = [place, *port].join(":") unless place.match?(%r{:\d+/?\z})
      [place, *query].join("?")
    end

    # It tells what its user gave, as nobody else does.
    def rails? = @options.key?(:user_supplied_options)

    # Rails tells what its user gave. Of rackup, which doesn't but always passes `config`, we know the defaults.
    def supplied?(key, defaults)
      if rails? then @options[:user_supplied_options].include?(key)
      else !@options.key?(:config) || !defaults.include?(@options[key])
      end
    end

    # By custom, options of other Rack servers begin with a capital, and a server ignores those it doesn't know. A
    # lower-case name that is near a setting's is a slip.
    def take_option(name, value)
      return if FOREIGN.include?(name) || name == CONFIG_FILE || name.match?(/\A[A-Z]/)

      known = Configuration::Settings::TABLE.keys
      take(name, value) if known.include?(name) || Nearest.to(name, known)
    end

    def take(name, value, given = true)
      (given ? @given : @fallback).set(name, value, Configuration::Source.rackup_option)
    end
  end

  private_constant :RackupOptions
end
