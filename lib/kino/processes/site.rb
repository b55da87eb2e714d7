# frozen_string_literal: true

module Kino
  # What all processes of a server share.
  #
  # @!attribute [r] configuration
  #   @return [Configuration]
  # @!attribute [r] listeners
  #   @return [Native::Listeners] bound before the first fork
  # @!attribute [r] scoreboard
  #   @return [Native::Scoreboard] what they tell each other by
  # @api private
  Site = Data.define(:configuration, :listeners, :scoreboard)

  private_constant :Site
end
