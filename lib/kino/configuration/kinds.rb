# frozen_string_literal: true

module Kino
  class Configuration
    # The kinds of value a setting can have. Each answers `call(value)` with the value as Kino keeps it, or raises
    # {Rejected}, `allowed` with the words an error uses, and `label` with what a list of options calls the value.
    # Text is taken for numbers and names alike, since that is all a flag or an environment variable can carry.
    #
    # @api private
    module Kinds
      # A value is not of the kind that is asked for.
      class Rejected < StandardError
        # @return [Object, nil] what the user most likely meant; nil for the setting's own example
        attr_reader :write

        # @param reason [String, nil] completes "given X, ..."; nil where `allowed` says enough
        # @param write [Object, nil] see {#write}
        def initialize(reason = nil, write: nil)
          @write = write
          super(reason.to_s)
        end
      end
    end
  end
end

require_relative "kinds/numbers"
require_relative "kinds/words"
require_relative "kinds/code"
