# frozen_string_literal: true

module Kino
  # Active Record's pool of connections, which all threads of the process share.
  #
  # @!attribute [r] size
  #   @return [Integer] connections it has at most
  # @!attribute [r] word
  #   @return [String] what `config/database.yml` calls that
  # @api private
  DatabasePool = Data.define(:size, :word) do
    # Looks at the settings, without connecting.
    #
    # @return [DatabasePool, nil] nil for an app that has no database, or whose pool has no bound
    def self.here
      return if !defined?(::ActiveRecord) || ::ActiveRecord.autoload?(:Base)

      config = ::ActiveRecord::Base.connection_db_config
      word = config.respond_to?(:max_connections) ? "max_connections" : "pool"
      size = config.public_send(word)
      new(size, word) if size
    rescue StandardError
      nil # none is configured for this environment
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

    # @param threads [Integer] requests that run at once
    # @return [String, nil] what is wrong with it, and the line to write; nil where nothing is
    def warning(threads)
      return if size >= threads

      "the database pool has #{size} connection#{"s" if size > 1} for #{threads} threads, so requests may wait for " \
        "one and fail with ActiveRecord::ConnectionTimeoutError; write #{word}: #{threads} in config/database.yml, " \
        "or run fewer threads (-t #{size}, RAILS_MAX_THREADS=#{size})"
    end
  end

  private_constant :DatabasePool
end
