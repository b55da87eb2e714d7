# frozen_string_literal: true

require_relative "kinds"

module Kino
  module Check
    # What to do about each kind of blocker.
    #
    # @api private
    module Cures
      module_function

      # @param kind [Symbol] see {Finding#kind}
      # @param path [String]
      # @param app [Boolean] whether it is the app, or a middleware
      # @param gem [Boolean] whether a gem made it
      # @param closure [Closure, nil] of a block
      # @param change [String, nil] where requests change it
      # @return [String]
      def of(kind, path, app: false, gem: false, closure: nil, change: nil)
        return block(path, gem, closure) if kind == :block
        return unfrozen(path, app, gem, change) if kind == :unfrozen

        text, maker = Kinds.cure(kind)
        format(text, per_ractor(path, maker))
      end

      # @param path [String] what is to be kept; its last word is the key
      # @param maker [String] code
      # @return [String] code that keeps one object in each ractor
      def per_ractor(path, maker)
        key = path[/([a-z_]\w*)[^a-z]*\z/i, 1]&.downcase || "mine"
        return "Ractor.store_if_absent(:#{key}) { #{maker} }" if Ractor.respond_to?(:store_if_absent)

        "Ractor.current[:#{key}] ||= #{maker}"
      end

      def block(path, gem, closure)
        if closure.nil? || !closure.block?
          return "write what it does as a method, in a module with `def self.call` or in a frozen object"
        end
        return "a gem makes it: do without that, or stay with `mode :threaded`" if gem
        return "say the default where it is read: `hash.fetch(key) { ... }`" if path.end_with?(".default_proc")
        if closure.receiver? || closure.variables.any? { |_, value| !Ractor.shareable?(value) }
          return "write a class that takes what the block uses in `initialize`, keeps it frozen and freezes itself"
        end

        "write a module with `def self.call(env)` instead#{", or `Ractor.shareable_lambda`" if shareable_lambda?}"
      end

      def unfrozen(path, app, gem, change)
        if change && gem
          return "its gem changes it (#{change}), so freezing it isn't enough: do without it, or stay with " \
                 "`mode :threaded`"
        elsif change
          return "requests change it (#{change}), so freezing it isn't enough: keep it outside the app, in a " \
                 "database say, or one per ractor: `#{per_ractor(path, "{}")}`"
        end
        return "freeze all of the app at boot: `run Ractor.make_shareable(Rack::Builder.app { ... })`" if gem && !app
        return "freeze it, and all in it, where it is made: `Ractor.make_shareable(...)`" unless app

        "`freeze` at the end of `initialize`, or `freeze_app` in config.ru, which freezes each middleware and the app"
      end

      def shareable_lambda? = Ractor.respond_to?(:shareable_lambda)

      private_class_method :block, :unfrozen, :shareable_lambda?
    end
  end
end
