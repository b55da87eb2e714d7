# frozen_string_literal: true

module Kino
  class ErrorPage
    # What of an env is shown, and with what left out: a page is photographed, sent round, and read by others.
    #
    # @api private
    class Secrets
      # What stands in a secret's place.
      FILTERED = "[FILTERED]"
      # Names of what is one, in the env and in queries.
      NAMES = /auth|cookie|credential|csrf|jwt|key\z|otp|pass|pin\z|pwd|secret|session|
               (?<![a-z])sig(?![a-z])|signature|token/ix
      # Keys that hold queries, whole or behind a path.
      QUERY = /QUERY/
      # Keys of Rack's whose text is nobody's secret; others may hold a body.
      TEXTS = %w[rack.url_scheme kino.request_id].freeze
      # A parameter of a query, with what stands before it.
      PARAMETER = /(\A|[?&;])([^=&;#?]+)=([^&;#]*)/
      private_constant :NAMES, :QUERY, :TEXTS, :PARAMETER

      # @param filter [Boolean, Array<String>] true for no query at all, or names of parameters, see `filter_query`
      def initialize(filter)
        @hides_queries = filter == true
        @names = filter.is_a?(Array) ? filter : []
      end

      # @param env [Hash] a request's
      # @return [Hash{String => String}] what is shown of it, by name
      def shown(env) = env.select { |key, _| key.is_a?(String) }.sort.to_h { |key, value| [key, show(key, value)] }

      # @param text [String] a query, or a target with one
      # @param whole [Boolean] whether all of it is the query
      # @return [String] the same without secrets
      def without(text, whole: false)
        return text.empty? || !(whole || text.include?("?")) ? text : hidden(text, whole) if @hides_queries

        path, query = whole ? ["", text] : text.split("?", 2)
        return text unless query

        "#{path}#{"?" unless whole}#{query.gsub(PARAMETER) { secret?($2) ? "#{$1}#{$2}=#{FILTERED}" : $& }}"
      end

      private

      def hidden(text, whole) = whole ? FILTERED : "#{text[/\A[^?]*/]}?#{FILTERED}"

      def show(key, value)
        case value
        when String then text(key, value)
        when nil, true, false, Numeric, Symbol then value.inspect
        else "(#{Description.text { value.class }})"
        end
      end

      def text(key, value)
        value = Description.text { value }
        return "(text)" unless key.match?(/\A[A-Z]/) || TEXTS.include?(key)
        return FILTERED if NAMES.match?(key) && !value.empty?

        without(value, whole: QUERY.match?(key))
      end

      # Also within brackets, and as browsers write them.
      def secret?(name)
        name = name.tr("+", " ").gsub(/%\h\h/) { |code| code[1, 2].hex.chr }.b
        return true if NAMES.match?(name)

        name.split(/[\[\]]+/n).any? { |part| @names.any? { |one| one.b == part } }
      end
    end
  end
end
