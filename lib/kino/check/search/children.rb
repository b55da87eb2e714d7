# frozen_string_literal: true

require_relative "../output/describe"
require_relative "closure"

module Kino
  module Check
    # What an object holds on to, with the way to it as a Rubyist would write it. Nothing is called that a class could
    # have changed.
    #
    # @api private
    module Children
      # Objects that hold nothing worth looking at.
      LEAVES = [NilClass, TrueClass, FalseClass, Numeric, Symbol, String, Regexp, Module, Encoding, Time, IO].freeze
      # Objects whose inside is nobody's affair: what is wrong with them is what they are.
      SEALED = [Thread, ThreadGroup, Fiber, Binding, Thread::Mutex, Thread::Queue, Enumerator].freeze
      private_constant :LEAVES, :SEALED

      # Methods that any object has, whatever its class makes of them.
      IVARS = Kernel.instance_method(:instance_variables)
      IVAR = Kernel.instance_method(:instance_variable_get)
      EACH = Array.instance_method(:each_with_index)
      EACH_PAIR = Hash.instance_method(:each_pair)
      DEFAULT = Hash.instance_method(:default)
      DEFAULT_PROC = Hash.instance_method(:default_proc)
      MEMBERS = Struct.instance_method(:each_pair)
      TO_H = Data.instance_method(:to_h)
      TO_A = Set.instance_method(:to_a)
      private_constant :IVARS, :IVAR, :EACH, :EACH_PAIR, :DEFAULT, :DEFAULT_PROC, :MEMBERS, :TO_H, :TO_A

      module_function

      # @param object [BasicObject]
      # @param sources [Sources]
      # @yieldparam value [BasicObject] what the object holds
      # @yieldparam step [String] the way from the object: `.@cache`, `[:key]`, ` (captured) cache`
      # @yieldparam variable [Symbol, nil] the instance variable, or the captured one, that holds it
      def each(object, sources, &)
        case object
        when *LEAVES, *SEALED then return
        when Array then EACH.bind_call(object) { |value, index| yield value, "[#{index}]", nil }
        when Hash then each_of_hash(object, &)
        when Struct then MEMBERS.bind_call(object) { |name, value| yield value, ".#{name}", nil }
        when Data then TO_H.bind_call(object).each { |name, value| yield value, ".#{name}", nil }
        when Set then return TO_A.bind_call(object).each { |value| yield value, " (element)", nil }
        when Range then each_of_range(object, &)
        when Proc then each_of_proc(object, sources, &)
        when Method then yield object.receiver, ".receiver", nil
        end
        IVARS.bind_call(object).each { |name| yield IVAR.bind_call(object, name), ".#{name}", name }
      end

      def each_of_hash(hash)
        EACH_PAIR.bind_call(hash) do |key, value|
          yield key, " (key #{Describe.value(key)})", nil
          yield value, "[#{Describe.value(key)}]", nil
        end
        default = DEFAULT_PROC.bind_call(hash)
        default ? (yield default, ".default_proc", nil) : (yield DEFAULT.bind_call(hash), ".default", nil)
      end

      def each_of_range(range)
        yield range.begin, ".begin", nil
        yield range.end, ".end", nil
      end

      def each_of_proc(proc, sources)
        closure = Closure.new(proc, sources)
        yield closure.receiver, ".self", nil if closure.receiver? && !Closure.outermost?(closure.receiver)
        closure.variables.each { |name, value| yield value, " (captured) #{name}", name }
      end

      private_class_method :each_of_hash, :each_of_range, :each_of_proc
    end
  end
end
