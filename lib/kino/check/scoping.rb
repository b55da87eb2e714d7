# frozen_string_literal: true

require_relative "fact"

module Kino
  module Check
    # For {Reader}: keeps account of where in the program it is.
    #
    # @api private
    module Scoping
      private

      def start_at_top
        @context = Context.new(namespace: [], level: :top, label: nil, scope: nil, guarded: false, ensured: false)
        @functions = false
      end

      # `self` in a block is what it is around it: in a class's body, the class, which all threads share.
      def later(node, &)
        level = @context.level == :instance ? :instance : :singleton
        return inside(level: level, &) if @context.runs?

        inside(level: level, label: "a block", scope: node.location.start_offset, &)
      end

      def run_by(name, level, node)
        owner = @context.namespace.last
        label = owner ? "#{owner}#{level == :singleton ? "." : "#"}#{name}" : name.to_s
        { label: label, scope: node.location.start_offset, ensured: false }
      end

      def open_module(name, superclass, &)
        full = name.start_with?("::") ? name[2..] : [*@context.namespace.last, name].join("::")
        @modules[full] ||= superclass
        functions(false) do
          inside(namespace: [*@context.namespace, full], level: :body, label: nil, scope: nil, &)
        end
      end

      def inside(**changes)
        before = @context
        @context = before.with(**changes)
        yield
      ensure
        @context = before
      end

      def functions(value)
        before = @functions
        @functions = value
        yield
      ensure
        @functions = before
      end
    end
  end
end
