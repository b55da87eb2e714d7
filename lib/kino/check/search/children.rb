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

      module_function

      # @param object [BasicObject]
      # @param sources [Sources]
      # @yieldparam value [BasicObject] what the object holds
      # @yieldparam step [String] the way from the object: `.@cache`, `[:key]`, ` (captured) cache`
      # @yieldparam variable [Symbol, nil] the instance variable, or the captured one, that holds it
      def each(object, sources, &)
        case object
        when *LEAVES, *SEALED then return
        when Array then Bare.call(object, Array, :each_with_index) { |value, index| yield value, "[#{index}]", nil }
        when Hash then each_of_hash(object, &)
        when Struct then Bare.call(object, Struct, :each_pair) { |name, value| yield value, ".#{name}", nil }
        when Data then Bare.call(object, Data, :to_h).each { |name, value| yield value, ".#{name}", nil }
        when Set then return Bare.call(object, Set, :to_a).each { |value| yield value, " (element)", nil }
        when Range then each_of_range(object, &)
        when Proc then each_of_proc(object, sources, &)
        when Method then yield object.receiver, ".receiver", nil
        end
        Bare.call(object, Kernel, :instance_variables).each do |name|
          yield Bare.call(object, Kernel, :instance_variable_get, name), ".#{name}", name
        end
      end

      def each_of_hash(hash)
        Bare.call(hash, Hash, :each_pair) do |key, value|
          yield key, " (key #{Describe.value(key)})", nil
          yield value, "[#{Describe.value(key)}]", nil
        end
        default = Bare.call(hash, Hash, :default_proc)
        default ? (yield default, ".default_proc", nil) : (yield Bare.call(hash, Hash, :default), ".default", nil)
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
