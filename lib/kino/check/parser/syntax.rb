# frozen_string_literal: true

require "prism"

module Kino
  module Check
    # For {Reader}: small questions about nodes of a syntax tree.
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

      private

      # Whether a method takes a lock by `lock` and gives it back by `unlock`.
      def locks?(node)
        node.slice.match?(/\.(?:lock|enter|mon_enter)\b/) && node.slice.match?(/\.(?:unlock|exit|mon_exit)\b/)
      end

      # Whether it is a constant's name and nothing else.
      def constant?(node)
        (node.is_a?(Prism::ConstantReadNode) || node.is_a?(Prism::ConstantPathNode)) && node.slice.match?(CONSTANT)
      end

      def constant_named?(node, name) = !node.nil? && constant?(node) && node.slice.delete_prefix("::") == name

      def load?(node)
        LOADS.include?(node.name) && node.arguments && (node.receiver.nil? || constant_named?(node.receiver, "Kernel"))
      end

      # Kind and name of the variable or constant that holds what is changed; nil for anything else.
      def root(node)
        node = node.receiver while node.is_a?(Prism::CallNode) && node.name == :[]
        return [:constant, node.slice] if node && constant?(node)

        kind = VARIABLES[node.class]
        [kind, node.name.to_s] if kind
      end

      # What an assignment's value is, see {Fact#value}.
      def value(node)
        return unless node.respond_to?(:value) && node.value.is_a?(Prism::Node)

        code = node.value.slice
        return :safe if code.match?(SAFE)

        :mutable if LITERALS.include?(node.value.class) || (code.match?(MUTABLE) && !code.end_with?(".freeze"))
      end

      # Whether it sets an attribute of a class: `Page.layout = 1`, `self.class.layout("x")`.
      def sets_class?(node, level)
        return false unless node.arguments && on_class?(node.receiver, level)

        node.name.match?(/\A[a-z_]\w*=\z/i) || SETTERS.include?(node.name) ||
          (node.name == :layout && own_class?(node.receiver))
      end

      # Whether a receiver is a class or module, as far as its source tells.
      def on_class?(node, level)
        constant?(node) || own_class?(node) || (node.is_a?(Prism::SelfNode) && level == :singleton)
      end

      # Whether it is `self.class`.
      def own_class?(node)
        node.is_a?(Prism::CallNode) && node.name == :class && node.receiver.is_a?(Prism::SelfNode)
      end

      # The receiver and the attribute of a call, or of an assignment by one: `"Page.layout"`.
      def setter(node)
        name = node.respond_to?(:write_name) ? node.write_name : node.name
        "#{node.receiver.slice}.#{name.to_s.delete_suffix("=")}"
      end

      # Whether it is `Thread.current[...] = ...` or sets a thread variable.
      def thread_local?(node)
        %i[[]= thread_variable_set].include?(node.name) && node.arguments&.arguments&.size == 2 &&
          node.receiver.is_a?(Prism::CallNode) && node.receiver.name == :current &&
          constant_named?(node.receiver.receiver, "Thread")
      end

      # Whether methods written after it are the module's own: `module_function`, `extend self`.
      def functions?(node)
        return false if node.receiver

        node.name == :module_function ? node.arguments.nil? : node.slice.match?(/\Aextend[ (]+self\b/)
      end

      # The methods that `attr_reader` or one of its kin makes; none for other calls.
      def attribute_methods(node)
        return [] unless node.receiver.nil? && %i[attr_reader attr_writer attr_accessor].include?(node.name)

        names = (node.arguments&.arguments || []).grep(Prism::SymbolNode).map(&:unescaped)
        readers = node.name == :attr_writer ? [] : names
        writers = node.name == :attr_reader ? [] : names.map { |name| "#{name}=" }
        [*readers, *writers].map(&:to_sym)
      end

      # Whether it makes a method of its block.
      def defines?(node)
        node.block.is_a?(Prism::BlockNode) && %i[define_method define_singleton_method].include?(node.name) &&
          node.arguments&.arguments&.first.respond_to?(:unescaped)
      end
    end
  end
end
