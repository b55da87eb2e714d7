# frozen_string_literal: true

require_relative "child"
require_relative "in_ractor"

module RactorProbe
  # What is tried, each time in a forked child of a process that has booted the app: one that fails leaves half of Rails
  # frozen.
  module Steps
    class << self
      # Boots the app.
      #
      # @return [Array<Hash>] why that failed, see {Finding}; empty when it didn't
      def boot = Finding.guard("boot the app") { require_relative("../app").then { [] } }

      # @return [Hash] what threads answer, which is what is right
      def by_threads = child("answer on the main ractor") { Direct.answers(Rails.application, LIMIT) }

      # What a ractor answers.
      #
      # @param skipped [Array<String>] repairs that are left out
      # @return [Array(Hash, Hash), Array<Hash>] see {Direct.answers}; what kept it from answering
      def answers(skipped)
        child("share the app") do
          Repairs.skipped = skipped
          in_ractor(:answers, share, LIMIT)
        end
      end

      # The same where the app can't be shared: what a request meets first in a ractor.
      def unshared = child("call the app") { in_ractor(:answers, nil, LIMIT) }

      # @return [Array<Hash>] which of Rails' variables can't be read and set
      def variables
        %i[read set].product(VARIABLES.keys).flat_map do |verb, kind|
          child("#{verb} #{kind}") { in_ractor(verb, kind, classes) }
        end
      end

      # Whether a repair finds what it repairs, where the app can't be shared all the same.
      #
      # @param repair [Repairs::Repair]
      # @return [Array<Hash>] how that failed; empty when it didn't
      def applies(repair)
        child(repair.name) do
          repair.steps.each_value(&:call)
          []
        end
      end

      private

      def child(what, &) = Child.run(what, &)

      # Freezes the app with all it holds, in Rails' own way where it has one.
      def share
        app = Rails.application
        Requirements.ractors? ? app.ractorize! : Ractor.make_shareable(app)
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
