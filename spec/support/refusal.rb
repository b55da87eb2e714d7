# frozen_string_literal: true

# For specs of the configuration.
module Refusal
  # What a configuration says of a setting that it doesn't take.
  def refusal(name, given)
    Kino::Configuration.new(name => given)
    raise "#{name} #{given.inspect} was taken"
  rescue Kino::ConfigurationError => error
    error.message
  end
end
