# frozen_string_literal: true

module Kino
  module Check
    # A use of something that outlives a request, somewhere in a file.
    #
    # @api private
    # @!attribute [r] kind
    #   @return [Symbol] `:ivar`, `:cvar`, `:global`, `:constant`, `:setter`, `:thread_local`, `:load`, `:local`,
    #     `:super` or `:call`
    # @!attribute [r] mode
    #   @return [Symbol] `:read`, `:write`, `:memo` (with `||=`), `:mutate`, or `:reset` for a thread-local in an ensure
    # @!attribute [r] name
    #   @return [String] `"@cache"`, `"App::CACHE"`, `"require"`
    # @!attribute [r] line
    #   @return [Integer]
    # @!attribute [r] offset
    #   @return [Integer] bytes from the start of the file
    # @!attribute [r] context
    #   @return [Context] where it stands
    # @!attribute [r] value
    #   @return [Symbol, nil] what is assigned, as far as its source tells: `:safe` for what threads may share,
    #     `:mutable` for what they may not, nil where that can't be told
    Fact = Data.define(:kind, :mode, :name, :line, :offset, :context, :value)

    # What surrounds a fact.
    #
    # @api private
    # @!attribute [r] namespace
    #   @return [Array<String>] names of the modules around it, the outermost first, each in full
    # @!attribute [r] level
    #   @return [Symbol] what `self` is: `:instance`, `:singleton` (a class or module), `:body` (the same, while its
    #     body runs) or `:top`
    # @!attribute [r] label
    #   @return [String, nil] the method or block that requests run: `"App#call"`; nil in code that is run once, at boot
    # @!attribute [r] scope
    #   @return [Integer, nil] where that begins, in bytes from the start of the file
    # @!attribute [r] guarded
    #   @return [Boolean] whether a lock is held
    # @!attribute [r] ensured
    #   @return [Boolean] whether it is in an ensure
    Context = Data.define(:namespace, :level, :label, :scope, :guarded, :ensured) do
      # @return [Boolean] whether it runs after boot, maybe in many threads
      def runs? = !label.nil?
    end

    # A method, as it is written.
    #
    # @api private
    # @!attribute [r] name
    #   @return [Symbol]
    # @!attribute [r] line
    #   @return [Integer]
    # @!attribute [r] range
    #   @return [Range<Integer>] bytes of the file
    # @!attribute [r] via
    #   @return [Symbol] `:def`, `:define_method` with a block, or `:attr`
    Definition = Data.define(:name, :line, :range, :via)

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
