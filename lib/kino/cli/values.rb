# frozen_string_literal: true

require_relative "../errors"
require_relative "completions"

module Kino
  class CLI
    # Values of options that are no settings: each is given back where it is allowed.
    #
    # @api private
    module Values
      # What a report can be written as.
      FORMATS = %w[text json].freeze

      module_function

      # @param text [String]
      # @return [String]
      # @raise [ConfigurationError]
      def format(text)
        return text if FORMATS.include?(text)

        raise ConfigurationError, "--format: given #{text.inspect}, allowed: text or json; write --format json"
      end

      # @param text [String]
      # @return [String]
      # @raise [ConfigurationError]
      def shell(text)
        return text if Completions::SHELLS.include?(text)

        raise ConfigurationError, "--completions: given #{text.inspect}, allowed: bash, zsh or fish; write " \
                                  "--completions bash"
      end

      # @param text [String]
      # @return [String]
      # @raise [ConfigurationError]
      def request(text)
        require_relative "../check"
        Check::Request.parse(text).to_s
      rescue ArgumentError => error
        raise ConfigurationError, "--request: #{error.message.sub("write ", "write --request ")}"
      end

      # @param command [Symbol] which it is given to
      # @param text [String]
      # @return [Integer]
      # @raise [ConfigurationError]
      def process_id(command, text)
        pid = Integer(text, 10, exception: false)
        return pid if pid&.positive?

        raise ConfigurationError, "#{command}: given #{text.inspect}, allowed: a process's id; write " \
                                  "kino #{command} 1234"
      end
    end

    private_constant :Values
  end
end
