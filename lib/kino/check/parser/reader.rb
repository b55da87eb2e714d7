# frozen_string_literal: true

require "prism"
require_relative "facts"
require_relative "syntax"

module Kino
  module Check
    # Walks a file's syntax tree and notes each use of what outlives a request: who uses it, from where, and whether a
    # lock is held.
    #
    # @api private
    class Reader < Prism::Visitor
      include Scoping
      include Syntax

      # Calls with a block in which a lock is held, or the like.
      GUARDS = %i[synchronize mon_synchronize compute_if_absent compute_if_present compute update_pair].freeze
      # Calls whose block is run later, by requests: lambdas, and routes of the Sinatra kind.
      BLOCKS = %i[lambda proc get post put patch delete options head before after].freeze
      # How Prism's nodes for variables end, and what each does.
      MODES = { read: :read, write: :write, target: :write, operator_write: :write, and_write: :write,
                or_write: :memo }.freeze
      private_constant :GUARDS, :BLOCKS, :MODES

      # @return [Array<Fact>]
      attr_reader :facts
      # @return [Array<Definition>]
      attr_reader :definitions
      # @return [Array<Prism::LambdaNode, Prism::BlockNode>] every block
      attr_reader :blocks
      # @return [Hash{String => String, nil}] modules that are opened, with the superclass as written
      attr_reader :modules

      # Nothing is read yet: a tree is given by `tree.accept(reader)`.
      def initialize
        super
        @facts = []
        @definitions = []
        @blocks = []
        @modules = {}
        start_at_top
      end

      { instance_variable: :ivar, class_variable: :cvar, global_variable: :global }.each do |variable, kind|
        MODES.each do |ending, mode|
          define_method(:"visit_#{variable}_#{ending}_node") do |node|
            note(kind, mode, node.name, node)
            super(node)
          end
        end
      end

      # Opens a class.
      def visit_class_node(node)
        visit(node.superclass)
        open_module(node.constant_path.slice, node.superclass&.slice) { visit(node.body) }
      end

      # Opens a module.
      def visit_module_node(node)
        open_module(node.constant_path.slice, nil) { visit(node.body) }
      end

      # Opens `class << self`, whose methods are the class's own.
      def visit_singleton_class_node(node)
        return super unless node.expression.is_a?(Prism::SelfNode)

        functions(true) { super }
      end

      # Defines a method, which requests may run.
      def visit_def_node(node)
        level = @functions || node.receiver ? :singleton : :instance
        define(node.name, node, :def)
        inside(level: level, **run_by(node.name, level, node), guarded: locks?(node)) { super }
      end

      # Makes a block that requests may run.
      def visit_lambda_node(node)
        @blocks << node
        later(node) { super }
      end

      # Makes a block.
      def visit_block_node(node)
        @blocks << node
        super
      end

      %i[super forwarding_super].each do |name|
        define_method(:"visit_#{name}_node") do |node|
          note(:super, :read, "super", node)
          super(node)
        end
      end

      # Enters an ensure.
      def visit_ensure_node(node)
        inside(ensured: true) { super }
      end

      # Reads a constant.
      def visit_constant_read_node(node) = note(:constant, :read, node.name, node)

      # Reads a constant in a module.
      def visit_constant_path_node(node)
        constant?(node) ? note(:constant, :read, node.slice, node) : super
      end

      # Sets a constant. A class may be made so, by a call: `Point = Struct.new(:x) do ... end`.
      def visit_constant_write_node(node)
        note(:constant, :write, [*@context.namespace.last, node.name].join("::"), node)
        return super unless node.value.is_a?(Prism::CallNode) && node.value.block.is_a?(Prism::BlockNode)

        open_module(node.name.to_s, nil) { super }
      end

      %i[index_operator_write index_or_write index_and_write].each do |name|
        define_method(:"visit_#{name}_node") do |node|
          mutation(node.receiver, node)
          super(node)
        end
      end

      %i[call_operator_write call_or_write call_and_write].each do |name|
        define_method(:"visit_#{name}_node") do |node|
          note(:setter, :write, setter(node), node) if on_class?(node.receiver, @context.level)
          super(node)
        end
      end

      # Calls a method, maybe with a block that is run later, or with a lock.
      def visit_call_node(node)
        take_call(node)
        return inside(guarded: true) { super } if node.block && GUARDS.include?(node.name)
        return define_by_block(node) { super } if node.block && defines?(node)
        return later(node) { super } if node.block.is_a?(Prism::BlockNode) && run_later?(node)

        super
      end

      private

      def take_call(node)
        note(:call, :read, node.name, node)
        note(:load, :write, node.name, node) if load?(node)
        note(:setter, :write, setter(node), node) if sets_class?(node, @context.level)
        mutation(node.receiver, node) if MUTATORS.include?(node.name)
        thread_local(node) if thread_local?(node)
        attribute_methods(node).each { |name| define(name, node, :attr) }
        @functions = true if functions?(node) && @context.level == :body
      end

      def note(kind, mode, name, node)
        @facts << Fact.new(kind: kind, mode: mode, name: name.to_s, line: node.location.start_line,
                           offset: node.location.start_offset, context: @context, value: value(node))
      end

      # What is changed in place, however deep: `@cache[:a] << 1` changes what `@cache` holds.
      def mutation(receiver, node)
        kind, name = root(receiver)
        note(kind, :mutate, name, node) if kind
      end

      def thread_local(node)
        key, value = node.arguments.arguments
        mode = if @context.ensured then :reset
               else value.is_a?(Prism::NilNode) ? :read : :write
               end
        note(:thread_local, mode, key.slice, node)
      end

      def define(name, node, via)
        location = node.location
        @definitions << Definition.new(name: name, line: location.start_line, via: via,
                                       range: location.start_offset...location.end_offset)
      end

      def define_by_block(node, &)
        name = node.arguments.arguments.first.unescaped.to_sym
        level = node.name == :define_singleton_method || @functions ? :singleton : :instance
        define(name, node, :define_method)
        inside(level: level, **run_by(name, level, node), &)
      end

      def run_later?(node)
        return constant_named?(node.receiver, "Proc") if node.name == :new

        node.receiver.nil? && BLOCKS.include?(node.name) && !@context.runs?
      end
    end
  end
end
