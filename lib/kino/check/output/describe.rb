# frozen_string_literal: true

module Kino
  module Check
    # Methods of Ruby's own, as Ruby has them: an object is looked at by nothing that its class could have changed.
    #
    # @api private
    module Bare
      # @param object [BasicObject]
      # @param owner [Module] where the method is defined
      # @param name [Symbol]
      # @return [Object] what the method gives
      def self.call(object, owner, name, ...) = owner.instance_method(name).bind_call(object, ...)
    end

    # Objects in a few words. Their own methods aren't called: `inspect` may raise, take long or change what it shows.
    #
    # @api private
    module Describe
      # Characters of a description.
      LONGEST = 60
      # Elements that are shown.
      ELEMENTS = 3
      # Levels of collections that are shown.
      LEVELS = 2
      # What Ruby's own `inspect` shows well and shortly.
      PLAIN = [NilClass, TrueClass, FalseClass, Numeric, Symbol, Range, Regexp, Encoding, Time].freeze
      private_constant :LONGEST, :ELEMENTS, :LEVELS, :PLAIN

      module_function

      # @param object [BasicObject]
      # @return [Class]
      def class_of(object) = Bare.call(object, Kernel, :class)

      # @param object [BasicObject]
      # @return [String] the name of its class
      def type(object) = module_name(class_of(object))

      # @param mod [Module]
      # @return [String] its name, or the nearest there is
      def module_name(mod)
        named = Bare.call(mod, Module, :name)
        return named if named
        return "a module without a name" unless mod.is_a?(Class)

        ancestor = mod.ancestors.grep(Class).find { |one| Bare.call(one, Module, :name) }
        "a class without a name, of #{module_name(ancestor)}"
      end

      # @param object [BasicObject]
      # @return [String] at most {LONGEST} characters
      def value(object)
        text = text(object, LEVELS)
        text.size > LONGEST ? "#{text[0, LONGEST - 1]}…" : text
      rescue StandardError
        "#<#{type(object)}>" # a subclass of Array or String that can't be read
      end

      # @param object [BasicObject]
      # @param levels [Integer] of elements to go into
      # @return [String]
      def text(object, levels)
        case object
        when *PLAIN then object.instance_of?(class_of(object)) ? object.inspect : "#<#{type(object)}>"
        when Module then module_name(object)
        when String then String.new(object)[0, LONGEST].scrub.inspect
        when Array then "[#{list(object, levels) { |element| text(element, levels - 1) }}]"
        when Hash then "{#{list(object, levels) { |key, element| pair(key, element, levels - 1) }}}"
        when Set then "Set#{text(Bare.call(object, Set, :to_a), levels)}"
        when Proc then "#<#{type(object)}#{" (lambda)" if object.lambda?}>"
        else plain_object(object)
        end
      end

      def list(collection, levels, &)
        return (collection.empty? ? "" : "…") if levels.zero?

        shown = collection.first(ELEMENTS).map(&)
        shown << "… #{collection.size - ELEMENTS} more" if collection.size > ELEMENTS
        shown.join(", ")
      end

      def pair(key, element, levels)
        return "#{key}: #{text(element, levels)}" if key.is_a?(Symbol) && key.match?(/\A[a-z_]\w*\z/i)

        "#{text(key, levels)} => #{text(element, levels)}"
      end

      def plain_object(object)
        names = Bare.call(object, Kernel, :instance_variables)
        shown = names.first(ELEMENTS).join(", ")
        "#<#{type(object)}#{" #{shown}" unless names.empty?}#{", …" if names.size > ELEMENTS}>"
      end

      private_class_method :list, :pair, :plain_object
    end
  end
end
