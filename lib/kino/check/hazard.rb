# frozen_string_literal: true

module Kino
  module Check
    # One thing that may go wrong when several threads run the app's code at once.
    #
    # @!attribute [r] kind
    #   @return [Symbol] what it is, for programs: `:class_variable`, `:class_ivar`, `:memoised`, `:global`,
    #     `:constant`, `:class_setter`, `:thread_local`, `:require`, `:autoload`, `:eager_load`, `:reloading`,
    #     `:database_pool` or `:logger`
    # @!attribute [r] where
    #   @return [String, nil] file:line; nil where that can't be told
    # @!attribute [r] code
    #   @return [String] the line, or the setting, as it is written
    # @!attribute [r] why
    #   @return [String] what may happen
    # @!attribute [r] cure
    #   @return [String] the safe way to write it
    Hazard = Data.define(:kind, :where, :code, :why, :cure) do
      # @return [Hash{Symbol => String, nil}] for JSON
      def to_h = super.merge(kind: kind.to_s)
    end
  end
end
