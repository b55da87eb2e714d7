# frozen_string_literal: true

module Kino
  # Values as any program has them: what a setting is given may be of a class that only the one has which was given it,
  # such as a duration of Active Support's.
  #
  # @api private
  module Plain
    # @param value [Object] nil, true, false, a Symbol, a number, text, what is like these, or an Array or Hash of them
    # @return [Object] the same of Ruby's own classes
    def self.of(value)
      case value
      when nil, true, false, Symbol, Integer, Float then value
      when String then String.new(value)
      when Array then value.map { |one| of(one) }
      when Hash then value.to_h { |name, one| [of(name), of(one)] }
      else number(value)
      end
    end

    def self.number(value)
      return of(value.to_s) unless value.respond_to?(:to_f)

      (value.to_f % 1).zero? ? value.to_i : value.to_f
    end
    private_class_method :number
  end

  private_constant :Plain
end
