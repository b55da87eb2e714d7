# frozen_string_literal: true

require "prism"

module Kino
  module Check
    # What a proc takes with it: `self`, and the local variables around it that its block uses.
    #
    # @api private
    class Closure
      # Nodes inside which `self` is another.
      OPENING = [Prism::DefNode, Prism::ClassNode, Prism::ModuleNode, Prism::SingletonClassNode].freeze
      # Names of nodes that use `self`.
      OWN = /::(?:Self|Super|ForwardingSuper|InstanceVariable)/
      private_constant :OPENING, :OWN

      # @param object [BasicObject]
      # @return [Boolean] whether it is `self` where a `config.ru`, or a script, is written; what it holds isn't a
      #   block's affair
      def self.outermost?(object)
        object.equal?(TOPLEVEL_BINDING.receiver) || (defined?(::Rack::Builder) && ::Rack::Builder === object)
      end

      # @param proc [Proc]
      # @param sources [Sources]
      def initialize(proc, sources)
        @proc = proc
        @binding = proc.binding
        path, line = proc.source_location
        @source = sources[path]
        @blocks = @source ? matching(@source.blocks(line)) : []
      rescue ArgumentError
        @blocks = [] # made by a method written in C, such as `method(:puts).to_proc` or `curry`
      end

      # @return [Boolean] whether it was made of a block, rather than of a method or of other procs
      def block? = !@binding.nil?

      # @return [BasicObject] `self` in the block
      def receiver = @binding.receiver

      # @return [Boolean] whether the block uses its `self`; true where its source can't be read
      def receiver?
        return false unless @binding
        return true if @blocks.empty?

        @blocks.any? { |block| self?(block.body) }
      end

      # @return [Hash{Symbol => Object}] the variables it uses; all it could use, where its source can't be read
      def variables
        return {} unless @binding

        names = @binding.local_variables
        names &= @blocks.flat_map { |block| outer(block, 0) } unless @blocks.empty?
        names.to_h { |name| [name, @binding.local_variable_get(name)] }
      end

      # @return [Array<Fact>] what the block itself does
      def facts
        return [] unless @blocks.size == 1

        location = @blocks.first.location
        @source.facts_in(location.start_offset...location.end_offset)
      end

      private

      # Several blocks may begin in one line; their parameters may tell them apart.
      def matching(blocks)
        return blocks if blocks.size < 2

        names = @proc.parameters.filter_map(&:last)
        fitting = blocks.select { |block| block.locals.first(names.size) == names }
        fitting = fitting.select { |block| block.is_a?(Prism::LambdaNode) } if fitting.size > 1 && @proc.lambda?
        fitting.empty? ? blocks : fitting
      end

      # Local variables of a block's surroundings that it reads or writes. A variable's depth counts the blocks between
      # it and where it was declared.
      def outer(node, levels)
        node.compact_child_nodes.flat_map do |child|
          inner = child.is_a?(Prism::BlockNode) || child.is_a?(Prism::LambdaNode) ? levels + 1 : levels
          next [] if child.is_a?(Prism::DefNode)

          own = child.respond_to?(:depth) && child.depth > levels ? [child.name] : []
          own + outer(child, inner)
        end
      end

      def self?(node)
        return false if node.nil? || OPENING.include?(node.class)

        node.class.name.match?(OWN) || own_call?(node) || node.compact_child_nodes.any? { |child| self?(child) }
      end

      # `puts` and its kin do the same for every `self`.
      def own_call?(node)
        node.is_a?(Prism::CallNode) && node.receiver.nil? && !Kernel.private_method_defined?(node.name) &&
          !Kernel.method_defined?(node.name)
      end
    end
  end
end
