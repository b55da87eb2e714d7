# frozen_string_literal: true

module Kino
  # Active Record's pool of connections, which all threads of the process share.
  #
  # @!attribute [r] size
  #   @return [Integer] connections it has at most
  # @!attribute [r] word
  #   @return [String] what `config/database.yml` calls that
  # @!attribute [r] name
  #   @return [String, nil] which it is, where an app has several databases
  # @!attribute [r] timeout
  #   @return [Numeric] seconds that a thread waits for a connection
  # @api private
  DatabasePool = Data.define(:size, :word, :name, :timeout) do
    class << self
      # Looks at the settings, without connecting, and without loading any of the app.
      #
      # @return [DatabasePool, nil] the smallest, where an app has several; nil for an app that has no database, or
      #   whose pool has no bound
      def here
        all = settings
        pools = all.filter_map do |config|
          word = config.respond_to?(:max_connections) ? "max_connections" : "pool"
          size = config.public_send(word)
          new(size: size, word: word, name: (config.name if all.size > 1), timeout: config.checkout_timeout) if size
        end
        pools.min_by(&:size)
      rescue StandardError
        nil # none is configured for this environment
      end

      private

      def settings
        return [] unless defined?(::ActiveRecord)
        return of_rails if ::ActiveRecord.autoload?(:Base)

        base = ::ActiveRecord::Base
        [base.connection_db_config, *(of(base.configurations) if rails? && base.respond_to?(:configurations))].uniq
      end

      # Where Active Record is loaded by a request that needs it, as in development, what it will find.
      def of_rails
        return [] unless rails?

        require "active_record/database_configurations"
        of(::ActiveRecord::DatabaseConfigurations.new(::Rails.application.config.database_configuration))
      end

      # Replicas have pools, too.
      def of(configurations) = configurations.configs_for(env_name: ::Rails.env.to_s, include_hidden: true)

      def rails? = defined?(::Rails.application) && !::Rails.application.nil?
    end

    # Lets go of all connections, which two processes can't share. Each opens its own when it needs one.
    #
    # @return [void]
    def self.disconnect
      return if !defined?(::ActiveRecord) || ::ActiveRecord.autoload?(:Base)

      clear = ::ActiveRecord::Base.connection_handler.method(:clear_all_connections!)
      clear.arity.zero? ? clear.call : clear.call(:all)
    rescue StandardError
      nil # there is none to any database
    end

    # @param size [Integer] see {#size}
    # @param word [String] see {#word}
    # @param name [String, nil] see {#name}
    # @param timeout [Numeric] see {#timeout}
    def initialize(size:, word:, name: nil, timeout: 5) = super

    # @param threads [Integer] requests that run at once
    # @return [String, nil] what is wrong with it, and the line to write; nil where nothing is
    def warning(threads)
      return if size >= threads

      "the database pool#{" of #{name}" if name} has #{size} connection#{"s" if size > 1} for #{threads} threads, " \
        "so requests may wait for one and fail with ActiveRecord::ConnectionTimeoutError; write #{word}: #{threads} " \
        "in config/database.yml, or run fewer threads (-t #{size}, RAILS_MAX_THREADS=#{size})"
    end
  end

  private_constant :DatabasePool
end
