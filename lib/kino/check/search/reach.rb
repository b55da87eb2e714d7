# frozen_string_literal: true

require_relative "../output/describe"
require_relative "../parser/source"
require_relative "closure"
require_relative "code_rules"

module Kino
  module Check
    # Finds the app's own code that a request may reach, and has it looked at. A method counts as reached when an object
    # of its class is in the app, or its class is named by reached code, and reached code calls a method of that name.
    # Gems' code isn't read.
    #
    # @api private
    class Reach
      # What a server calls: the app, and the body it answers with.
      CALLED = %i[call each close].freeze
      private_constant :CALLED

      # @param sources [Sources]
      # @param search [Search] is told what is found
      def initialize(sources, search)
        @sources = sources
        @rules = CodeRules.new(sources, search)
        @called = CALLED.to_h { |name| [name, true] }
        @types = {}.compare_by_identity # class => [the module it is the singleton class of, names that were read]
        @own = {}.compare_by_identity
        @read = {}
      end

      # @param object [BasicObject] something the app holds
      # @param path [String] the way to it
      # @return [void]
      def meet(object, path)
        case object
        when Module then meet_module(object)
        when Proc then closure(object, path)
        else
          live(Describe.class_of(object), nil)
          # Asked first, since asking for a singleton class makes one.
          return if Bare.call(object, Kernel, :singleton_methods).empty?

          live(Bare.call(object, Kernel, :singleton_class), nil)
        end
      end

      # Reads what has come into reach since the last time.
      #
      # @return [Boolean] whether there was anything
      def step
        work = @types.map { |type, (receiver, names)| [type, receiver, names, @called.keys - names.keys] }
        work.each do |type, receiver, names, fresh|
          fresh.each do |name|
            names[name] = true
            read(type, name, receiver)
          end
        end
        work.any? { |*, fresh| fresh.any? }
      end

      private

      # A class that is named may be called, and may make objects.
      def meet_module(mod)
        live(Bare.call(mod, Kernel, :singleton_class), mod)
        live(mod, nil)
      end

      def live(type, receiver)
        @types[type] ||= [receiver, {}] if Bare.call(type, Module, :ancestors).any? { |mod| own?(mod) }
      end

      def own?(mod)
        @own.fetch(mod) do
          names = %i[instance_methods private_instance_methods].flat_map { |list| Bare.call(mod, Module, list, false) }
          methods = names.lazy.map { |name| Bare.call(mod, Module, :instance_method, name) }
          @own[mod] = methods.any? { |method| Files.own?(method.source_location&.first) }
        end
      end

      def closure(proc, path)
        return unless Files.own?(proc.source_location&.first)

        closure = Closure.new(proc, @sources)
        receiver = closure.receiver if closure.block? && Module === closure.receiver
        closure.facts.each { |fact| follow(fact, receiver, "the block #{path}", proc) }
      end

      def read(type, name, receiver)
        method = Bare.call(type, Module, :instance_method, name)
        method = method.super_method while method && read_method(method, receiver)
      rescue NameError
        nil # it has no such method
      end

      # @return [Boolean] whether it may call the one it overrides; one of a gem may
      def read_method(method, receiver)
        return true unless Files.own?(method.source_location&.first)

        source, definition = @sources.definition(method)
        return true unless definition

        facts = source.facts_in(definition.range)
        unless @read[key = [method.owner.object_id, method.name, receiver.object_id]]
          @read[key] = true
          @rules.written(method, definition, receiver, source)
          facts.each { |fact| follow(fact, receiver, nil, method) }
        end
        facts.any? { |fact| fact.kind == :super }
      end

      def follow(fact, receiver, label, code)
        return @called[fact.name.to_sym] = true if fact.kind == :call

        named = @rules.fact(fact, receiver, label, code)
        meet_module(named) if Module === named
      end
    end
  end
end
