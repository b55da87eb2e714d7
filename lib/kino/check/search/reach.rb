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
      # Methods that any class has, whatever it makes of them.
      INSTANCE_METHOD = Module.instance_method(:instance_method)
      METHODS = Module.instance_method(:instance_methods)
      PRIVATE_METHODS = Module.instance_method(:private_instance_methods)
      ANCESTORS = Module.instance_method(:ancestors)
      SINGLETON_METHODS = Kernel.instance_method(:singleton_methods)
      SINGLETON_CLASS = Kernel.instance_method(:singleton_class)
      private_constant :CALLED, :INSTANCE_METHOD, :METHODS, :PRIVATE_METHODS, :ANCESTORS, :SINGLETON_METHODS,
                       :SINGLETON_CLASS

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
          live(SINGLETON_CLASS.bind_call(object), nil) unless SINGLETON_METHODS.bind_call(object).empty?
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
        live(SINGLETON_CLASS.bind_call(mod), mod)
        live(mod, nil)
      end

      def live(type, receiver)
        @types[type] ||= [receiver, {}] if ANCESTORS.bind_call(type).any? { |mod| own?(mod) }
      end

      def own?(mod)
        @own.fetch(mod) do
          names = METHODS.bind_call(mod, false) + PRIVATE_METHODS.bind_call(mod, false)
          @own[mod] = names.any? { |name| Files.own?(INSTANCE_METHOD.bind_call(mod, name).source_location&.first) }
        end
      end

      def closure(proc, path)
        return unless Files.own?(proc.source_location&.first)

        closure = Closure.new(proc, @sources)
        receiver = closure.receiver if closure.block? && Module === closure.receiver
        closure.facts.each { |fact| follow(fact, receiver, "the block #{path}", proc) }
      end

      def read(type, name, receiver)
        method = INSTANCE_METHOD.bind_call(type, name)
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
          @rules.method(method, definition, receiver, source)
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
