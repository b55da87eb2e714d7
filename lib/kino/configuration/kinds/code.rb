# frozen_string_literal: true

require_relative "../../rack/callable"

module Kino
  class Configuration
    module Kinds
      # Something to call, or several.
      class Hook
        # @return [String] what a kino.rb may say
        attr_reader :example

        # @param example [String]
        def initialize(example) = @example = example

        # @return [String] what is allowed
        def allowed = "a block, or an object with a method call"

        # @return [String] what a list of options calls the value
        def label = "BLOCK"

        # @param value [#call, Array<#call>]
        # @return [Array<#call>] frozen
        # @raise [Rejected]
        def call(value)
          hooks = value.is_a?(Array) ? value : [value]
          raise Rejected unless hooks.all? { |hook| hook.respond_to?(:call) }

          hooks.dup.freeze
        end
      end

      # One thing to call, or nil for none.
      class Handler < Hook
        # @param most [Integer] arguments that it is called with, of which it may take fewer
        # @param example [String]
        def initialize(most, example)
          super(example)
          @most = most
        end

        # @return [String] what is allowed
        def allowed = "#{super}, which takes #{@most} arguments or fewer, or nil for none"

        # @param value [#call, nil]
        # @return [#call, nil]
        # @raise [Rejected]
        def call(value)
          return if value.nil?
          raise Rejected unless value.respond_to?(:call)

          least = Callable.least(value)
          raise Rejected, "which takes #{least} arguments" if least > @most

          value
        end
      end

      # What lines can be said to, such as Ruby's Logger.
      class Log
        # @return [String] what a kino.rb may say
        def example = "Logger.new($stdout)"

        # @return [String] what is allowed
        def allowed = "an object with a method add, such as #{example}"

        # @return [String] what a list of options calls the value
        def label = "LOGGER"

        # @param value [#add]
        # @return [#add]
        # @raise [Rejected]
        def call(value) = value.respond_to?(:add) && !value.is_a?(Enumerable) ? value : raise(Rejected)
      end
    end
  end
end
