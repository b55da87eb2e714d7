# frozen_string_literal: true

module Kino
  module Check
    # What the app is asked for in the trial.
    #
    # @!attribute [r] verb
    #   @return [String] `"GET"`
    # @!attribute [r] path
    #   @return [String] `"/items"`
    # @!attribute [r] query
    #   @return [String] `"page=2"`; empty where there is none
    Request = Data.define(:verb, :path, :query) do
      # @param text [String] a method and a target
      # @return [Request]
      # @raise [ArgumentError] for anything else
      # @example
      #   Kino::Check::Request.parse("GET /items?page=2").path # => "/items"
      def self.parse(text)
        match = %r{\A([A-Z]+) (/[^\s?#]*)(?:\?([^\s#]*))?\z}.match(text.to_s)
        unless match
          raise ArgumentError, "given #{text.inspect}, allowed: a method and a path, with a query or without; " \
                               'write "GET /"'
        end

        new(*[match[1], match[2], match[3].to_s].map(&:freeze))
      end

      # @return [String] as it was written
      def to_s = "#{verb} #{path}#{"?#{query}" unless query.empty?}"
    end
  end
end
