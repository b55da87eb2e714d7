# frozen_string_literal: true

require "monitor"
require "objspace"
require "stringio"
require_relative "../output/describe"

module Kino
  module Check
    # The kinds of objects that can't be shared, and what goes by kind alone.
    #
    # @api private
    module Kinds
      # Of each kind: `classes` whose objects are of it; `why` they can't be shared; the `cure`, where `%s` is how each
      # ractor keeps an object of its own, made by `maker`; and whether such an object is `sealed`: named alone, without
      # what it has inside.
      TABLE = {
        block: { classes: [Proc, Binding], why: "a binding belongs to one ractor" },
        method: { classes: [Method, UnboundMethod], why: "a method object can't be shared",
                  cure: "give an object that has the method: a module with `def self.call(env)`, or a frozen object" },
        lock: { classes: [Thread::Mutex, Monitor, Thread::ConditionVariable], why: "a lock belongs to one ractor",
                cure: "drop it, with the state it guards, or make both per ractor: `%s`", sealed: true },
        queue: { classes: [Thread::Queue, Thread::SizedQueue], why: "a queue belongs to one ractor", sealed: true,
                 cure: "make one per ractor: `%s`; or send to a thread of this ractor, or to a Ractor that does the " \
                       "work", maker: "Queue.new" },
        io: { classes: [IO, Dir, StringIO], why: "a file, socket or buffer belongs to one ractor", sealed: true,
              cure: "open it in each ractor: `%s`; or keep the path, frozen, and open it where it is needed",
              maker: "File.open(path)" },
        thread: { classes: [Thread, ThreadGroup, Fiber], why: "a thread or fiber belongs to one ractor", sealed: true,
                  cure: "start it in each ractor: `%s`; or let a Ractor of its own do the work",
                  maker: "Thread.new { ... }" },
        iterator: { classes: [Enumerator], why: "an enumerator keeps where it is, for one ractor", sealed: true,
                    cure: "keep the collection, frozen, and call `each` where it is walked" },
        logger: { why: "a logger has a lock and a file, which belong to one ractor", sealed: true,
                  cure: "make one per ractor: `%s`; or write to `env[\"rack.errors\"]`",
                  maker: "Logger.new($stderr)" },
        native: { why: "its class is made in C and doesn't say that its objects can be shared",
                  cure: "make one per ractor: `%s`; or, where its class allows, freeze it at boot" },
        unknown: { why: "it can't be shared, and nothing in it that could be looked at tells why",
                   cure: "call `Ractor.make_shareable` on it in a console: its error names what stands in the way" }
      }.freeze
      # Classes made in C whose frozen objects can be shared all the same.
      SHAREABLE = %w[Time Set Date DateTime Pathname].freeze
      private_constant :TABLE, :SHAREABLE

      module_function

      # @param object [BasicObject] one that isn't shareable
      # @return [Symbol, nil] see {Finding#kind}; nil for a frozen one, which only passes on what is wrong inside,
      #   unless that is mended by making the collection anew
      def of(object)
        by_class = TABLE.find { |_, kind| kind[:classes]&.any? { |one| one === object } }&.first
        return by_class if by_class
        return :logger if defined?(::Logger) && ::Logger === object
        return :io if defined?(::Tempfile) && Describe.class_of(object) == ::Tempfile
        return (:unfrozen if collection?(object)) if Bare.call(object, Kernel, :frozen?)

        native?(object) ? :native : :unfrozen
      end

      # @param kind [Symbol, nil]
      # @return [Boolean] whether an object of this kind is named alone, without what it has inside
      def sealed?(kind) = TABLE.dig(kind, :sealed) == true

      # @param kind [Symbol] any but `:unfrozen`
      # @return [String] what is wrong with it
      def why(kind) = TABLE.fetch(kind)[:why]

      # @param kind [Symbol] any but `:unfrozen` and `:block`, whose cures {Cures} knows
      # @return [Array(String, String)] what to do about it, with `%s`, and what makes such an object
      def cure(kind) = TABLE.fetch(kind).then { |one| [one.fetch(:cure), one.fetch(:maker, "...")] }

      # Whether freezing goes through it to its elements.
      def collection?(object) = [Array, Hash, Set, Struct, Data].any? { |one| one === object }

      def native?(object)
        names = Describe.class_of(object).ancestors.map { |one| Describe.module_name(one) }
        return false if String === object || collection?(object) || names.intersect?(SHAREABLE)

        ObjectSpace.dump(object)[0, 200].include?('"type":"DATA"')
      end

      private_class_method :collection?, :native?
    end
  end
end
