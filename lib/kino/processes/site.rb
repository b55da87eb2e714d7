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
  # @!attribute [r] read
  #   @return [#call] reads the configuration again
  # @api private
  Site = Data.define(:configuration, :listeners, :scoreboard, :read) do
    # @return [Site] the same with the settings as its file has them now
    # @raise [ConfigurationError]
    def reload = with(configuration: read.call)
  end

  private_constant :Site
end
