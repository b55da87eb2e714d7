# frozen_string_literal: true

require_relative "children"
require_relative "diagnosis"
require_relative "frameworks"
require_relative "kinds"
require_relative "reach"
require_relative "sources"

module Kino
  module Check
    # Looks for what keeps an app out of ractors: walks all that it holds, and what its methods use. Nothing is changed,
    # and none of the app's own code is run.
    #
    # @api private
    class Search
      # Objects that are looked at, at most.
      OBJECTS = 20_000
      # Findings that are told of, at most.
      FINDINGS = 100
      # An object that waits to be looked at.
      Item = Struct.new(:object, :path, :owner, :variable, :parent, :origin)
      # Held everywhere, and never in the way.
      SIMPLE = [NilClass, TrueClass, FalseClass, Numeric, Symbol].freeze
      private_constant :Item, :SIMPLE

      # @return [Integer] findings beyond those that are told of
      attr_reader :left_out

      # @param sources [Sources]
      # @param objects [Integer] to look at, at most
      # @param limit [Integer] findings to tell of, at most
      # @param code [Boolean] whether methods are read too
      def initialize(sources, objects: OBJECTS, limit: FINDINGS, code: true)
        @sources = sources
        @objects = objects
        @limit = limit
        @reach = Reach.new(sources, self) if code
        @seen = {}.compare_by_identity
        @waiting = []
        @shareable = []
        @diagnoses = []
        @frameworks = []
        @findings = []
        @left_out = 0
      end

      # @param app [#call]
      # @return [Array<Finding>] empty when the app can be shared and none of its code is known to fail in a ractor
      def run(app)
        take(Item.new(app, "app"))
        loop do
          drain
          break unless @reach&.step
        end
        @diagnoses.reject!(&:idle?)
        nothing = @diagnoses.empty? && @frameworks.empty?
        @diagnoses << Diagnosis.new(app, :unknown, "app") if nothing && !Ractor.shareable?(app)
        told
      end

      # Looks at something that isn't held by the app, but used by its methods.
      #
      # @param object [BasicObject]
      # @param path [String] its name
      # @param origin [Hash{Symbol => String, nil}] `:kind`, `:why` and `:where` for the finding
      # @return [void]
      def root(object, path, origin) = take(Item.new(object, path, nil, nil, nil, origin))

      # @param finding [Finding] one that is about no object
      # @return [void]
      def add(finding)
        @findings << finding unless @findings.any? { |one| one.path == finding.path && one.kind == finding.kind }
      end

      private

      def told
        all = @frameworks.size + @diagnoses.size + @findings.size
        shown = @diagnoses.first(@limit - @frameworks.size).map { |diagnosis| diagnosis.finding(@sources) }
        shown = [*@frameworks, *shown, *@findings.first(@limit - @frameworks.size - shown.size)]
        @left_out = all - shown.size
        shown
      end

      def take(item)
        return if @seen.key?(item.object)

        @seen[item.object] = true
        (Ractor.shareable?(item.object) ? @shareable : @waiting) << item
      end

      # What can't be shared comes first, so that a large frozen table leaves no blocker unseen.
      def drain
        while (item = @waiting.shift || @shareable.shift)
          look(item)
        end
      end

      def look(item)
        return if framework?(item)

        @reach&.meet(item.object, item.path)
        shareable = Ractor.shareable?(item.object)
        kind = shareable ? nil : Kinds.of(item.object)
        diagnosis = kind ? diagnose(item, kind) : item.parent
        return if Kinds.sealed?(kind)

        blocked = descend(item, diagnosis)
        diagnose(item, :native) unless shareable || kind || blocked
      end

      # What such a one has inside is named by its finding alone.
      def framework?(item)
        finding = Frameworks.finding(item.object, item.path)
        @frameworks << finding if finding && @frameworks.none? { |one| one.type == finding.type } &&
                                  @frameworks.size < @limit
        !finding.nil?
      end

      # @return [Boolean] whether something inside can't be shared, or may be so
      def descend(item, diagnosis)
        blocked = false
        origin = item.origin if diagnosis.equal?(item.parent)
        Children.each(item.object, @sources) do |value, step, variable|
          next if SIMPLE.any? { |one| one === value }
          return true if @seen.size >= @objects

          blocked ||= !Ractor.shareable?(value)
          take(Item.new(value, item.path + step, item.object, variable, diagnosis, origin))
        end
        blocked
      end

      def diagnose(item, kind)
        diagnosis = Diagnosis.new(item.object, kind, item.path, owner: item.owner, variable: item.variable,
                                                                parent: item.parent, origin: item.origin)
        return item.parent.absorb if element?(item, diagnosis)

        @diagnoses << diagnosis
        diagnosis
      end

      # An element of an unfrozen collection needs no finding of its own: freezing the collection with all in it is one
      # step.
      def element?(item, diagnosis)
        return false if item.variable || diagnosis.kind != :unfrozen || diagnosis.frozen_collection?

        item.parent&.kind == :unfrozen && [String, Regexp, Array, Hash, Set].any? { |one| one === item.object }
      end
    end
  end
end
