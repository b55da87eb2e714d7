# frozen_string_literal: true

require_relative "../output/describe"
require_relative "../output/report"
require_relative "../parser/source"
require_relative "closure"
require_relative "cures"
require_relative "kinds"

module Kino
  module Check
    # What keeps one object from being shared, and what to do about it.
    #
    # @api private
    class Diagnosis
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
      def frozen_collection? = @kind == :unfrozen && Bare.call(@object, Kernel, :frozen?)

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
        return Kinds.why(@kind) unless @kind == :unfrozen
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
