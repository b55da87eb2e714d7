# frozen_string_literal: true

require_relative "plain"

module Kino
  # What the parent of several goes by: of the settings those that are its concern, as values that another program can
  # be handed. Whoever boots the app reads the settings, and tells these.
  #
  # @api private
  class Terms
    # Settings that it has as they are.
    KEPT = %i[mode bind quiet environment rackup preload pidfile restart_file log_format log_level control control_token
              shutdown_timeout restart_timeout drain_delay process_timeout refork_after recycle_requests recycle_memory
              notes].freeze
    # What depends on the mode, which who boots the app may know better.
    BY_MODE = %i[processes workers threads threads_in_words].freeze
    # What workers may turn out to be.
    MODES = %i[threaded ractor].freeze
    private_constant :KEPT, :BY_MODE, :MODES

    class << self
      # @param configuration [Configuration]
      # @return [Terms]
      def of(configuration)
        by_mode = [configuration.mode, *MODES].uniq.to_h do |mode|
          settings = configuration.with(mode: mode)
          [mode, BY_MODE.to_h { |name| [name, settings.public_send(name)] }]
        end
        kept = KEPT.to_h { |name| [name, configuration.public_send(name)] }
        new(Plain.of(**kept, logger: !configuration.logger.nil?, by_mode: by_mode))
      end

      # @param text [String] what {#dump} has made
      # @return [Terms, nil] nil where another version of Kino's has made it, which has others
      def load(text)
        values = Marshal.load(text) # rubocop:disable Security/MarshalLoad -- its own child's
        new(values) if values.is_a?(Hash) && KEPT.all? { |name| values.key?(name) }
      rescue ArgumentError, TypeError
        nil
      end
    end

    # @param values [Hash{Symbol => Object}] by their names
    def initialize(values) = @values = values.freeze

    KEPT.each { |name| define_method(name) { @values[name] } }
    BY_MODE.each { |name| define_method(name) { @values.dig(:by_mode, mode, name) } }

    # @return [Boolean] whether what Kino says goes through one
    def logger = @values[:logger]

    # @param changes [Hash{Symbol => Object}] what is to be otherwise
    # @return [Terms]
    def with(**changes) = self.class.new(@values.merge(changes))

    # @return [String] for {.load}
    def dump = Marshal.dump(@values)
  end

  private_constant :Terms
end
