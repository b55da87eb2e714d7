# frozen_string_literal: true

require_relative "../output/describe"
require_relative "../output/report"
require_relative "../parser/facts"
require_relative "cures"

module Kino
  module Check
    # What code may not do in a ractor, though the app itself can be shared: it fails when a request comes. The rules
    # are the same in Ruby 3.3 and 4.0, but for `require` and `$/`.
    #
    # @api private
    class CodeRules
      # Global variables that each ractor, thread or method has of its own, or that may be read everywhere.
      GLOBALS = %w[$stdout $stderr $stdin $> $! $@ $~ $_ $$ $? $DEBUG $VERBOSE $-v $-w $-d $-p $-l $-a $-i].freeze
      # The first Ruby where `require` works in a ractor, with RubyGems; it has a few more globals.
      LATER = RUBY_VERSION >= "4.0"
      LATER_GLOBALS = %w[$/ $-0].freeze
      private_constant :GLOBALS, :LATER, :LATER_GLOBALS

      # @param sources [Sources]
      # @param search [Search] is told what is found
      def initialize(sources, search)
        @sources = sources
        @search = search
        @origins = {}
      end

      # @param method [UnboundMethod] one that requests reach
      # @param definition [Definition]
      # @param receiver [Module, nil] the module it is called on; nil for an object's method
      # @param source [Source]
      # @return [void]
      def written(method, definition, receiver, source)
        place = Files.place(source.path, definition.line)
        case definition.via
        when :define_method then block_method(method, receiver, place)
        when :attr then attribute(method, receiver, place) if receiver
        end
      end

      # @param fact [Fact] what reached code does
      # @param receiver [Module, nil] its `self`, if that is a module
      # @param label [String, nil] what the code is called, where it is no method
      # @param code [UnboundMethod, Proc] what it is part of
      # @return [Module, nil] the class or module that it names
      def fact(fact, receiver, label, code)
        place = Files.place(code.source_location.first, fact.line)
        use = "in #{label || fact.context.label || code.name}, #{place}"
        case fact.kind
        when :constant then constant(fact, use)
        when :cvar then class_variable(fact, receiver, use, place, code)
        when :global then global(fact, use, place)
        when :ivar then receiver && class_ivar(fact, receiver, use, place)
        when :load then loading(fact, use, place)
        end
      end

      private

      # @return [Module, nil]
      def constant(fact, use)
        return if fact.mode == :write

        name, value, scope = lookup(fact)
        return value if name.nil? || Module === value

        blocked(value, name, :constant, fact, use) { @sources.place(scope.const_source_location(name[/\w+\z/])) }
        nil
      end

      # The constant as Ruby would find it: name, value and module. One that isn't loaded yet is left so.
      def lookup(fact)
        first, *rest = fact.name.delete_prefix("::").split("::")
        scope = scopes(fact).find { |mod| mod.const_defined?(first, mod.equal?(Object)) } || inheriting(fact, first)
        [first, *rest].reduce([nil, scope, nil]) do |(_, mod), word|
          return nil if !(Module === mod) || !mod.const_defined?(word) || mod.autoload?(word)

          [mod.equal?(Object) ? word : "#{Describe.module_name(mod)}::#{word}", mod.const_get(word), mod]
        end
      rescue NameError
        nil
      end

      def scopes(fact)
        return [Object] if fact.name.start_with?("::")

        [*fact.context.namespace.reverse.filter_map { |name| module_named(name) }, Object]
      end

      def inheriting(fact, first)
        scopes(fact).first.then { |mod| mod if mod.const_defined?(first) }
      end

      def module_named(name)
        name.split("::").reduce(Object) do |mod, word|
          return nil if !mod.const_defined?(word, false) || mod.autoload?(word, false)

          mod.const_get(word, false)
        end
      end

      def class_ivar(fact, receiver, use, place)
        value = Bare.call(receiver, Kernel, :instance_variable_get, fact.name)
        path = "#{Describe.module_name(receiver)}.#{fact.name}"
        if fact.mode == :write || (fact.mode == :memo && !value)
          return report(:class_ivar, path, value, "set #{use}; only the main ractor may set a class's variable", place,
                        "set it at boot to something frozen, or keep one per ractor: " \
                        "`#{Cures.per_ractor(path, "...")}`")
        end

        blocked(value, path, :class_ivar, fact, use) do
          @sources.class_assignment(receiver, fact.name) || place
        end
        nil
      end

      def class_variable(fact, receiver, use, place, code)
        owner = receiver || (code.respond_to?(:owner) ? code.owner : Object)
        value = owner.class_variable_get(fact.name) if owner.class_variable_defined?(fact.name)
        report(:class_variable, "#{Describe.module_name(owner)}.#{fact.name}", value,
               "used #{use}; only the main ractor may read or write a class variable", place,
               "a frozen constant for what never changes; for what does, one per ractor: " \
               "`#{Cures.per_ractor(fact.name, "...")}`")
      end

      def global(fact, use, place)
        return if GLOBALS.include?(fact.name) || (LATER && LATER_GLOBALS.include?(fact.name))

        report(:global, fact.name, nil, "used #{use}; only the main ractor may use a global variable", place,
               "a frozen constant for what never changes; `env` for what belongs to a request; for the rest, one per " \
               "ractor: `#{Cures.per_ractor(fact.name, "...")}`")
      end

      def loading(fact, use, place)
        return if LATER || fact.name != "require"

        report(:require, "require", nil, "called #{use}; before Ruby 4.0 only the main ractor may", place,
               "require it at the top of the file")
      end

      def block_method(method, receiver, place)
        path = "#{Describe.module_name(receiver || method.owner)}#{receiver ? "." : "#"}#{method.name}"
        report(:define_method, path, nil, "made by define_method of a block; other ractors can't call it", place,
               "write it with `def`, by class_eval of a string where its name is computed")
      end

      def attribute(method, receiver, place)
        name = method.name.to_s
        mode = name.end_with?("=") ? :write : :read
        label = "#{Describe.module_name(receiver)}.#{name}"
        context = Context.new(namespace: [], level: :singleton, label: label, scope: nil, guarded: false,
                              ensured: false)
        fact = Fact.new(kind: :ivar, mode: mode, name: "@#{name.delete_suffix("=")}", line: 0, offset: 0,
                        context: context, value: nil)
        class_ivar(fact, receiver, "by #{context.label}", place)
      end

      # Something that isn't shareable; that reached code changes it may become known later.
      def blocked(value, path, kind, fact, use)
        origin = @origins[path] ||= { kind: kind, why: "read #{use}", where: nil, change: nil }
        origin[:change] ||= use.delete_prefix("in ") if fact.mode == :mutate
        return if Ractor.shareable?(value)

        origin[:where] ||= yield
        @search.root(value, path, origin)
      end

      # @return [nil]
      def report(kind, path, value, why, where, cure)
        type = Describe.type(value) unless value.nil?
        @search.add(Finding.new(kind: kind, path: path, type: type, value: (Describe.value(value) unless value.nil?),
                                why: why, where: where, cure: cure))
        nil
      end
    end
  end
end
