# frozen_string_literal: true

require_relative "child"
require_relative "in_ractor"

module RactorProbe
  # What is tried. Each step has a forked child of its own that boots the app, since one that fails leaves half of Rails
  # frozen, and threads that an app starts don't live on in a fork.
  module Steps
    class << self
      # All that was found: see Finding.
      def run
        loaded = Finding.guard("load Rails") { require_relative("settings") && [] }
        return loaded if loaded.any?

        shared = step("share the app") { share && [] }
        calls = step("call the app") { in_ractor(:call, (share if shared.none? { |one| one[:error] })) }
        variables = %i[read set].product(VARIABLES.keys).flat_map do |verb, kind|
          step("#{verb} #{kind}") { in_ractor(verb, kind, classes) }
        end
        [*shared, *calls, *variables]
      end

      private

      def step(what)
        Child.run(what) do
          require_relative "../app"
          yield
        end
      end

      # Freezes the app with all it holds, in Rails' own way where it has one.
      def share
        app = Rails.application
        app.respond_to?(:ractorize!) ? app.ractorize! : Ractor.make_shareable(app)
        app
      end

      def in_ractor(step, *given)
        ractor = Ractor.new(step, *given) { |name, *rest| InRactor.public_send(name, *rest) }
        ractor.respond_to?(:value) ? ractor.value : ractor.take
      end

      # Rails' and the app's classes and modules by name, and where they are.
      def classes
        name = Module.instance_method(:name)
        named = ObjectSpace.each_object(Module).map { |mod| [name.bind_call(mod).to_s, mod] }
        named.select! { |full, _| CLASSES.match?(full) }
        Ractor.make_shareable(named.sort_by(&:first).map { |full, mod| [full, mod, Finding.place_of(full)] })
      end
    end
  end
end
