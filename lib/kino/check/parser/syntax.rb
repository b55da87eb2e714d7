# frozen_string_literal: true

require "prism"

module Kino
  module Check
    # Small questions about nodes of a syntax tree.
    #
    # @api private
    module Syntax
      # Methods that change an Array, Hash, Set or String in place.
      MUTATORS = %i[<< []= push append unshift prepend concat insert pop shift delete delete_at delete_if clear replace
                    merge! update store add add? fill map! collect! select! filter! reject! keep_if sort! sort_by! uniq!
                    compact! flatten! shuffle! reverse! rotate! transform_values! transform_keys! slice! gsub! sub!
                    upcase! downcase! capitalize! strip! squeeze! tr! compare_by_identity].freeze
      # Methods that load a file.
      LOADS = %i[require require_relative load autoload].freeze
      # How a constant is written.
      CONSTANT = /\A(?:::)?[A-Z]\w*(?:::[A-Z]\w*)*\z/
      # What threads may share, by how it is made.
      SAFE = /\A(?:::)?(?:Concurrent::|(?:Thread::)?(?:Queue|SizedQueue|Mutex|ConditionVariable)\.new|Monitor\.new|
              Thread::|ObjectSpace::Weak|Ractor\.make_shareable|Ractor::)/x
      # What threads may not, by how it is made.
      MUTABLE = /\A(?:::)?(?:Array|Hash|Set|String)(?:\.new|\[)|\A[-+]["']/
      # Nodes of what a Ruby file makes anew and leaves unfrozen.
      LITERALS = [Prism::ArrayNode, Prism::HashNode, Prism::StringNode, Prism::InterpolatedStringNode].freeze
      # Nodes of variables, and what they are called in a {Fact}.
      VARIABLES = { Prism::InstanceVariableReadNode => :ivar, Prism::ClassVariableReadNode => :cvar,
                    Prism::GlobalVariableReadNode => :global, Prism::ConstantReadNode => :constant,
                    Prism::LocalVariableReadNode => :local }.freeze
      # Methods that set a variable of their receiver by its name.
      SETTERS = %i[instance_variable_set class_variable_set].freeze
      private_constant :MUTATORS, :LOADS, :CONSTANT, :SAFE, :MUTABLE, :LITERALS, :VARIABLES, :SETTERS

      module_function

      # @param node [Prism::DefNode]
      # @param functions [Boolean] whether methods that are written here are the module's own
      # @return [Boolean] whether it is a method of a class or module itself
      def singleton?(node, functions:) = functions || !node.receiver.nil?

      # @param node [Prism::DefNode]
      # @return [Boolean] whether it takes a lock by `lock` and gives it back by `unlock`
      def locks?(node)
        node.slice.match?(/\.(?:lock|enter|mon_enter)\b/) && node.slice.match?(/\.(?:unlock|exit|mon_exit)\b/)
      end

      # @param node [Prism::Node]
      # @return [Boolean] whether it is a constant's name and nothing else
      def constant?(node)
        (node.is_a?(Prism::ConstantReadNode) || node.is_a?(Prism::ConstantPathNode)) && node.slice.match?(CONSTANT)
      end

      # @param node [Prism::Node, nil]
      # @param name [String]
      # @return [Boolean] whether it is that constant
      def constant_named?(node, name) = !node.nil? && constant?(node) && node.slice.delete_prefix("::") == name

      # @param node [Prism::CallNode]
      # @return [Boolean]
      def load?(node)
        return false unless LOADS.include?(node.name) && node.arguments

        node.receiver.nil? || constant_named?(node.receiver, "Kernel")
      end

      # @param node [Prism::CallNode]
      # @return [Boolean]
      def mutates?(node) = MUTATORS.include?(node.name)

      # @param node [Prism::Node, nil] whatever is changed
      # @return [Array(Symbol, String), nil] kind and name of the variable or constant that holds it
      def root(node)
        node = node.receiver while node.is_a?(Prism::CallNode) && node.name == :[]
        return [:constant, node.slice] if node && constant?(node)

        kind = VARIABLES[node.class]
        [kind, node.name.to_s] if kind
      end

      # @param node [Prism::Node]
      # @return [Symbol, nil] what an assignment's value is, see {Fact#value}
      def value(node)
        return unless node.respond_to?(:value) && node.value.is_a?(Prism::Node)

        code = node.value.slice
        return :safe if code.match?(SAFE)

        :mutable if LITERALS.include?(node.value.class) || (code.match?(MUTABLE) && !code.end_with?(".freeze"))
      end

      # @param node [Prism::CallNode]
      # @param level [Symbol] see {Context#level}
      # @return [Boolean] whether it sets an attribute of a class: `Page.layout = 1`, `self.class.layout("x")`
      def sets_class?(node, level)
        return false unless node.receiver && node.arguments && on_class?(node.receiver, level)

        assigns?(node) || SETTERS.include?(node.name) || (node.name == :layout && own_class?(node.receiver))
      end

      # @param node [Prism::CallNode]
      # @return [Boolean] whether it is an assignment
      def assigns?(node) = node.name.match?(/\A[a-z_]\w*=\z/i)

      # @param node [Prism::Node, nil] a receiver
      # @param level [Symbol] see {Context#level}
      # @return [Boolean] whether it is a class or module, as far as its source tells
      def on_class?(node, level)
        return false unless node

        constant?(node) || own_class?(node) || (node.is_a?(Prism::SelfNode) && level == :singleton)
      end

      # @param node [Prism::Node]
      # @return [Boolean] whether it is `self.class`
      def own_class?(node)
        node.is_a?(Prism::CallNode) && node.name == :class && node.receiver.is_a?(Prism::SelfNode)
      end

      # @param node [Prism::Node] a call, or an assignment by one
      # @return [String] its receiver and the attribute: `"Page.layout"`
      def setter(node)
        name = node.respond_to?(:write_name) ? node.write_name : node.name
        "#{node.receiver.slice}.#{name.to_s.delete_suffix("=")}"
      end

      # @param node [Prism::CallNode]
      # @return [Boolean] whether it is `Thread.current[...] = ...` or sets a thread variable
      def thread_local?(node)
        %i[[]= thread_variable_set].include?(node.name) && current_thread?(node.receiver) &&
          node.arguments&.arguments&.size == 2
      end

      # @param node [Prism::Node, nil]
      # @return [Boolean]
      def current_thread?(node)
        node.is_a?(Prism::CallNode) && node.name == :current && constant_named?(node.receiver, "Thread")
      end

      # @param node [Prism::CallNode] one that is {thread_local?}
      # @return [Array(String, Prism::Node)] the key as it is written, and the value
      def key_and_value(node)
        key, value = node.arguments.arguments
        [key.slice, value]
      end

      # @param node [Prism::CallNode]
      # @return [Boolean] whether methods written after it are the module's own: `module_function`, `extend self`
      def functions?(node)
        return false if node.receiver

        node.name == :module_function ? node.arguments.nil? : node.slice.match?(/\Aextend[ (]+self\b/)
      end

      # @param node [Prism::CallNode]
      # @return [Boolean] whether it is `attr_reader` or one of its kin
      def attributes?(node) = node.receiver.nil? && %i[attr_reader attr_writer attr_accessor].include?(node.name)

      # @param node [Prism::CallNode] one that is {attributes?}
      # @return [Array<Symbol>] the methods it makes
      def attribute_methods(node)
        names = (node.arguments&.arguments || []).grep(Prism::SymbolNode).map(&:unescaped)
        names = [*(names unless node.name == :attr_writer),
                 *(names.map { |name| "#{name}=" } unless node.name == :attr_reader)]
        names.map(&:to_sym)
      end

      # @param node [Prism::CallNode]
      # @return [Boolean] whether it makes a method of its block
      def defines?(node)
        node.block.is_a?(Prism::BlockNode) && %i[define_method define_singleton_method].include?(node.name) &&
          node.arguments&.arguments&.first.respond_to?(:unescaped)
      end

      # @param node [Prism::CallNode] one that {defines?}
      # @return [Boolean] whether the method is its receiver's own
      def singleton_call?(node) = node.name == :define_singleton_method

      # @param node [Prism::CallNode] one that {defines?}
      # @return [Symbol] the method's name
      def defined_name(node) = node.arguments.arguments.first.unescaped.to_sym
    end
  end
end
