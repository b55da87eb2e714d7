# frozen_string_literal: true

require "monitor"
require "objspace"
require "stringio"
require_relative "../output/describe"
require_relative "../output/report"
require_relative "../parser/source"
require_relative "closure"
require_relative "cures"

module Kino
  module Check
    # What keeps one object from being shared, and what to do about it.
    #
    # @api private
    class Diagnosis
      # Kinds that go by class.
      KINDS = {
        block: [Proc, Binding], method: [Method, UnboundMethod],
        lock: [Thread::Mutex, Monitor, Thread::ConditionVariable], queue: [Thread::Queue, Thread::SizedQueue],
        io: [IO, Dir, StringIO], thread: [Thread, ThreadGroup, Fiber], iterator: [Enumerator]
      }.freeze
      # Classes made in C whose frozen objects can be shared all the same.
      SHAREABLE = %w[Time Set Date DateTime Pathname].freeze
      # What is wrong, where that goes by kind alone.
      WHY = {
        method: "a method object can't be shared", lock: "a lock belongs to one ractor",
        queue: "a queue belongs to one ractor", io: "a file, socket or buffer belongs to one ractor",
        thread: "a thread or fiber belongs to one ractor", iterator: "an enumerator keeps where it is, for one ractor",
        logger: "a logger has a lock and a file, which belong to one ractor",
        native: "its class is made in C and doesn't say that its objects can be shared",
        unknown: "it can't be shared, and nothing in it that could be looked at tells why"
      }.freeze
      # The method that any object has, whatever its class makes of it.
      FROZEN = Kernel.instance_method(:frozen?)
      private_constant :KINDS, :SHAREABLE, :WHY, :FROZEN

      class << self
        # @param object [BasicObject] one that isn't shareable
        # @return [Symbol, nil] see {Finding#kind}; nil for a frozen one, which only passes on what is wrong inside,
        #   unless that is mended by making the collection anew
        def kind(object)
          by_class = KINDS.find { |_, classes| classes.any? { |one| one === object } }&.first
          return by_class if by_class
          return :logger if defined?(::Logger) && ::Logger === object
          return :io if defined?(::Tempfile) && Describe.class_of(object) == ::Tempfile
          return (:unfrozen if collection?(object)) if FROZEN.bind_call(object)

          native?(object) ? :native : :unfrozen
        end

        # @param kind [Symbol]
        # @return [Boolean] whether an object of this kind is named alone, without what it has inside
        def sealed?(kind) = %i[lock queue io thread iterator logger].include?(kind)

        # @param object [BasicObject]
        # @return [Boolean] whether freezing goes through it to its elements
        def collection?(object) = [Array, Hash, Set, Struct, Data].any? { |one| one === object }

        private

        def native?(object)
          names = Describe.class_of(object).ancestors.map { |one| Describe.name(one) }
          return false if String === object || collection?(object) || names.intersect?(SHAREABLE)

          ObjectSpace.dump(object)[0, 200].include?('"type":"DATA"')
        end
      end

      # @return [String] the way to the object
      attr_reader :path
      # @return [Symbol]
      attr_reader :kind

      # @param object [BasicObject]
      # @param kind [Symbol]
      # @param path [String]
      # @param owner [BasicObject, nil] what holds it
      # @param variable [Symbol, nil] the instance variable, or the captured one, that it is in
      # @param parent [Diagnosis, nil] of what holds it
      # @param origin [Hash{Symbol => String}] `:kind`, `:why`, `:where` and `:change` of the root that led here,
      #   if it isn't the app
      def initialize(object, kind, path, owner: nil, variable: nil, parent: nil, origin: nil)
        @object = object
        @kind = kind
        @path = path
        @owner = owner
        @variable = variable
        @parent = parent
        @origin = origin
        @inside = 0
      end

      # Counts an element that is unfrozen as its collection is: one freeze mends both.
      #
      # @return [Diagnosis] itself
      def absorb
        @inside += 1
        self
      end

      # @return [Boolean] whether it is a collection that is frozen
      def frozen_collection? = @kind == :unfrozen && FROZEN.bind_call(@object)

      # @return [Boolean] whether there is nothing to mend here: it is frozen, and so is all in it that can be
      def idle? = frozen_collection? && @inside.zero?

      # @param sources [Sources]
      # @return [Finding]
      def finding(sources)
        closure = Closure.new(@object, sources) if Proc === @object
        Finding.new(kind: @origin&.fetch(:kind) || @kind, path: @path, type: Describe.type(@object),
                    value: Describe.value(@object), why: [why(closure), @origin&.fetch(:why)].compact.join("; "),
                    where: where(sources), cure: cure(closure, sources))
      end

      # @param sources [Sources]
      # @return [String, nil]
      def where(sources)
        @where ||= own_place(sources) || @origin&.fetch(:where) || @parent&.where(sources) || class_place(sources)
      end

      private

      def own_place(sources)
        location = @object.source_location if [Proc, Method, UnboundMethod].any? { |one| one === @object }
        sources.place(location) || (class_place(sources) if app?) ||
          (sources.assignment(Describe.class_of(@owner), @variable) if @variable)
      end

      def class_place(sources) = sources.place(sources.location(Describe.class_of(@object)))

      # A middleware, or the app at the end of them.
      def app? = Describe.class_of(@object).method_defined?(:call)

      def cure(closure, sources)
        in_chain = app? && [nil, :@app].include?(@variable)
        Cures.of(@kind, @path, app: in_chain, gem: gem?(sources), closure: closure, change: change(sources))
      end

      # Whether it is made by a gem, where nobody can mend it.
      def gem?(sources)
        return !Files.own?(@object.source_location&.first) if Proc === @object

        !@variable.nil? && sources.foreign?(Describe.class_of(@owner), @variable)
      end

      # Where requests change it.
      def change(sources)
        return @origin[:change] if @origin&.fetch(:change)
        return if @variable.nil? || app?
        return sources.change(Describe.class_of(@owner), @variable) unless Proc === @owner

        fact = Closure.new(@owner, sources).facts.find { |one| one.kind == :local && one.name == @variable.to_s }
        "a block, #{Files.place(@owner.source_location.first, fact.line)}" if fact
      end

      def why(closure)
        return block(closure) if closure
        return WHY.fetch(@kind) { "a binding belongs to one ractor" } unless @kind == :unfrozen
        return "frozen, but #{inside} in it #{@inside == 1 ? "isn't" : "aren't"}" if frozen_collection?
        return "not frozen" if @inside.zero?

        "not frozen, nor #{@inside == 1 ? "is" : "are"} #{inside} in it"
      end

      def inside = @inside == 1 ? "1 object" : "#{@inside} objects"

      def block(closure)
        return "a proc made of a method or of other procs can't be shared" unless closure.block?

        captured = closure.variables.reject { |_, value| Ractor.shareable?(value) }
        named = captured.map { |name, value| "#{name} (#{Describe.type(value)})" }.join(", ")
        "a block can't be shared as it is#{"; it captures #{named}" if captured.any?}" \
          "#{"; it uses its self, #{Describe.value(closure.receiver)}" if closure.receiver?}"
      end
    end
  end
end
