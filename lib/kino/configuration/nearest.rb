# frozen_string_literal: true

module Kino
  # Finds the word someone probably meant.
  #
  # @api private
  module Nearest
    module_function

    # @param word [#to_s] what was written
    # @param known [Enumerable<#to_s>] the words that exist
    # @return [String, nil] the nearest known word; nil when none is near, or Ruby runs without `did_you_mean`
    # @example
    #   Kino::Nearest.to(:treads, %i[threads workers]) # => "threads"
    def to(word, known)
      return unless defined?(DidYouMean::SpellChecker)

      DidYouMean::SpellChecker.new(dictionary: known.map(&:to_s)).correct(word.to_s).first
    end
  end

  private_constant :Nearest
end
