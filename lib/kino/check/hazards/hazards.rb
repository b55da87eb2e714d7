# frozen_string_literal: true

require_relative "../output/report"
require_relative "../parser/source"

module Kino
  module Check
    # Looks through an app's own files for what goes wrong when threads run it at once.
    #
    # @api private
    class Hazards
      # Folders that aren't the app, or aren't run by requests.
      SKIPPED = %w[vendor node_modules spec test tests features tmp log coverage pkg .git .bundle].freeze
      # Files that are read, at most.
      LIMIT = 2000
      private_constant :SKIPPED, :LIMIT

      # @return [Integer] files that were read
      attr_reader :files
      # @return [Integer] files that weren't, since there are too many
      attr_reader :left_out
      # @return [Integer] files that weren't, since the app has not loaded them
      attr_reader :unused

      # @param rackup [String] the config.ru; the files of its folder are read too
      # @param loaded [#include?, nil] which of them the app has loaded; nil for all
      def initialize(rackup, loaded: nil)
        @rackup = File.expand_path(rackup)
        @loaded = loaded
        @files = @left_out = @unused = 0
      end

      # @return [Array<Hazard>] by file and line
      def find
        sources = read
        rules = HazardRules.new(sources)
        sources.flat_map do |source|
          rules.facts(source).map { |fact, kind| hazard(source, fact, kind) }.uniq
        end
      end

      private

      def read
        paths, unused = walk(File.dirname(@rackup)).sort.partition { |path| @loaded.nil? || @loaded.include?(path) }
        @unused = unused.size
        paths = [(@rackup if File.file?(@rackup)), *paths].compact.uniq
        @left_out = [paths.size - LIMIT, 0].max
        sources = paths.first(LIMIT).filter_map { |path| Source.read(path) }
        @files = sources.size
        sources
      end

      # Folder by folder, so that those that are skipped aren't walked either.
      def walk(folder)
        Dir.children(folder).flat_map do |name|
          path = File.join(folder, name)
          if File.symlink?(path) then []
          elsif File.directory?(path) then SKIPPED.include?(name) ? [] : walk(path)
          else name.end_with?(".rb") ? [path] : []
          end
        end
      rescue SystemCallError
        []
      end

      def hazard(source, fact, kind)
        why, cure = HazardRules.words(kind, fact)
        Hazard.new(kind: kind, where: Files.place(source.path, fact.line), code: source.code(fact.line), why: why,
                   cure: cure)
      end
    end

    # Which uses of shared things are hazards to threads, why, and how to write them safely.
    #
    # @api private
    class HazardRules
      # Methods that Ruby calls while classes are made, at boot.
      HOOKS = /[.#](?:inherited|included|extended|prepended|method_added|const_missing)\z/
      # Changes: what is only read does no harm.
      CHANGES = %i[write memo mutate].freeze
      # What each kind is about, why it is a hazard, and the cure. `%s` is its name.
      TEXTS = {
        class_variable: [
          "%s is one variable for all threads: two that change it at once lose a change, or see half of one",
          "`LOCK.synchronize { ... }` around it, with `LOCK = Mutex.new` in the class's body"
        ],
        class_ivar: [
          "%s is one variable for all threads: what one request sets, another sees",
          "pass it as an argument, keep it in `env` or in an object made for the request; what has to be shared goes " \
          "into `LOCK.synchronize { ... }`, with `LOCK = Mutex.new` in the class's body"
        ],
        memoised: [
          "two threads may both find %s empty and set it: the work is done twice, and they hold different objects",
          "set it at boot, or write `LOCK.synchronize { %s ||= ... }`, with `LOCK = Mutex.new` in the class's body"
        ],
        global: [
          "%s is one variable for all threads: what one request sets, another sees",
          "pass it as an argument or keep it in `env`; what has to be shared goes into a constant that is changed in " \
          "`LOCK.synchronize { ... }`"
        ],
        constant: [
          "%s is one object for all threads: two that change it at once lose a change, or raise while it is walked",
          "`LOCK.synchronize { ... }` around each use, with `LOCK = Mutex.new` beside it; or make it a " \
          "`Concurrent::Map` or a `Queue`; or freeze it, if it is never to change"
        ],
        class_setter: [
          "%s belongs to a class, which all threads share: what one request sets, another gets",
          "set it once, at boot; pass what belongs to a request as an argument, or keep it in an object made for the " \
          "request"
        ],
        thread_local: [
          "the thread serves other requests afterwards, and they find what was left under %s",
          "`begin ... ensure Thread.current[...] = nil end` around what needs it, or keep it in `env`"
        ],
        require: [
          "%s in a method: the first requests load the file, one of them while others wait or see half of it",
          "write it at the top of the file"
        ],
        autoload: ["%s in a method: a constant appears while requests run", "write it in the class's body"]
      }.freeze
      private_constant :HOOKS, :CHANGES, :TEXTS

      # @param kind [Symbol] see {Hazard#kind}
      # @param fact [Fact]
      # @return [Array(String, String)] why it is one, and the cure
      def self.words(kind, fact) = TEXTS.fetch(kind).map { |text| text.gsub("%s", fact.name) }

      # @param sources [Array<Source>] all files of the app: what is assigned in one may be changed in another
      def initialize(sources)
        facts = sources.flat_map(&:facts)
        @values = facts.select(&:value).group_by { |fact| [fact.kind, fact.name] }
        @values.transform_values! { |assignments| assignments.map(&:value) }
        @modules = sources.map(&:modules).reduce({}, :merge)
      end

      # @param source [Source]
      # @return [Array<Array(Fact, Symbol)>] the hazards in it, each with its kind
      def facts(source)
        @resets = source.facts.select { |fact| fact.mode == :reset }.map { |fact| [fact.context.scope, fact.name] }
        source.facts.filter_map do |fact|
          next unless CHANGES.include?(fact.mode) && fact.context.runs? && !fact.context.guarded
          next if fact.context.label.match?(HOOKS)

          kind = kind(fact)
          [fact, kind] if kind
        end
      end

      private

      def kind(fact)
        case fact.kind
        when :cvar then shared(fact, :class_variable)
        when :ivar then shared(fact, :class_ivar) if fact.context.level == :singleton
        when :global then shared(fact, :global) unless %w[$~ $_].include?(fact.name)
        when :constant then :constant if fact.mode == :mutate && value(fact) == :mutable
        when :setter then :class_setter if class_setter?(fact)
        when :thread_local then :thread_local unless @resets.include?([fact.context.scope, fact.name])
        when :load then fact.name == "autoload" ? :autoload : :require
        end
      end

      def shared(fact, kind)
        return :memoised if fact.mode == :memo

        kind unless fact.mode == :mutate && @values.fetch([fact.kind, fact.name], []).include?(:safe)
      end

      # What the constant was assigned, in the nearest module around the change.
      def value(fact)
        full_names(fact, fact.name).filter_map { |name| @values[[:constant, name]]&.first }.first
      end

      # A class of the app, but not one of Rails' that keep a value for each request.
      def class_setter?(fact)
        receiver = fact.name.rpartition(".").first
        return true unless receiver.match?(/\A(?:::)?[A-Z]/)

        name = full_names(fact, receiver).find { |one| @modules.key?(one) }
        !name.nil? && !@modules[name].to_s.end_with?("CurrentAttributes")
      end

      def full_names(fact, name)
        [*fact.context.namespace.reverse.map { |outer| "#{outer}::#{name}" }, name.delete_prefix("::")]
      end
    end
  end
end
