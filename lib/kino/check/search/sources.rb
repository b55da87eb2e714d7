# frozen_string_literal: true

require_relative "../output/describe"
require_relative "../parser/source"

module Kino
  module Check
    # Files that were read, each once, and where in them things of a running app were made.
    #
    # @api private
    class Sources
      # Nothing is read before it is asked for.
      def initialize = @sources = {}

      # @param path [String, nil]
      # @return [Source, nil]
      def [](path)
        return unless path && File.file?(path)

        @sources.fetch(path) { @sources[path] = Source.read(path) }
      end

      # @param location [Array(String, Integer), nil] what a method's or proc's `source_location` gives
      # @return [String, nil] `lib/app.rb:3`
      def place(location)
        Files.place(*location.first(2)) if location&.first && File.file?(location.first)
      end

      # @param method [Method, UnboundMethod]
      # @return [Array(Source, Definition), nil] where it is written
      def definition(method)
        path, line = method.source_location
        source = self[path] or return
        definition = source.definition(method.original_name, line) || source.definition(method.name, line)
        [source, definition] if definition
      end

      # @param mod [Module]
      # @return [Array(String, Integer), nil] file and line where it is written, as far as its name tells
      def location(mod)
        Object.const_source_location(Describe.module_name(mod))
      rescue NameError
        nil # it has no name, or was given one by other means than a constant
      end

      # Where objects of a class are given an instance variable, in `initialize` if it is there.
      #
      # @param owner [Module] a class
      # @param name [Symbol] the variable's
      # @return [String, nil]
      def assignment(owner, name)
        source, fact = uses(owner, name, %i[write memo]).min_by { |_, _, is_initialize| is_initialize ? 0 : 1 }
        Files.place(source.path, fact.line) if source
      end

      # @param owner [Module] a class
      # @param name [Symbol] an instance variable's
      # @return [Boolean] whether its objects are given the variable by others' code: a gem, or Ruby
      def foreign?(owner, name)
        paths = uses(owner, name, %i[write memo]).map { |source,| source.path }
        paths = [location(owner)&.first] if paths.empty?
        paths.none? { |path| Files.own?(path) }
      end

      # Where a class or module is given an instance variable of its own, in its body if it is there.
      #
      # @param mod [Module]
      # @param name [Symbol] the variable's
      # @return [String, nil]
      def class_assignment(mod, name)
        source = self[location(mod)&.first]
        fact = source&.facts&.find do |one|
          one.kind == :ivar && one.mode != :read && one.name == name.to_s && one.context.level == :body &&
            one.context.namespace.last == Describe.module_name(mod)
        end
        fact ? Files.place(source.path, fact.line) : assignment(mod.singleton_class, name)
      end

      # Where an instance variable, or what it holds, is changed after its object was made.
      #
      # @param owner [Module]
      # @param name [Symbol] the variable's
      # @return [String, nil] `App#call, lib/app.rb:3`
      def change(owner, name)
        source, fact = uses(owner, name, %i[write memo mutate]).find { |_, _, is_initialize| !is_initialize }
        "#{fact.context.label}, #{Files.place(source.path, fact.line)}" if source
      end

      private

      # Uses of an instance variable in methods of a class and its ancestors: source, fact, and whether the method makes
      # the object: `initialize`, or what that calls.
      def uses(owner, name, modes)
        makers = makers(owner)
        methods_of(owner).flat_map do |method|
          facts_of(method) do |source, facts|
            found = facts.select { |fact| fact.kind == :ivar && fact.name == name.to_s && modes.include?(fact.mode) }
            found.map { |fact| [source, fact, makers.include?(method.name.to_s)] }
          end
        end
      end

      def makers(owner)
        called = methods_of(owner).select { |method| method.name == :initialize }.flat_map do |method|
          facts_of(method) { |_, facts| facts.select { |fact| fact.kind == :call }.map(&:name) }
        end
        ["initialize", *called] - ["call"]
      end

      def facts_of(method)
        source, definition = definition(method)
        source ? yield(source, source.facts_in(definition.range)) : []
      end

      def methods_of(owner)
        @methods ||= {}.compare_by_identity
        @methods[owner] ||= (owner.ancestors - Object.ancestors - Class.ancestors).flat_map do |mod|
          [*mod.instance_methods(false), *mod.private_instance_methods(false)].map { |name| mod.instance_method(name) }
        end
      end
    end
  end
end
