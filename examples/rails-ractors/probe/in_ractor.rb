# frozen_string_literal: true

require_relative "direct"
require_relative "finding"

module RactorProbe
  # Whose variables are tried, and how each kind is read and set.
  CLASSES = /\A(?:Rails|Action\w+|Active\w+|AbstractController|\w+Controller)(?:::|\z)/
  VARIABLES = Ractor.make_shareable(
    { "class-level instance variables" => %i[instance_variable_get instance_variable_set @probe],
      "class variables" => %i[class_variable_get class_variable_set @@probe] }
  )

  # The steps as a worker ractor does them.
  module InRactor
    class << self
      # Asks all cases. An app that couldn't be handed over is looked for from here.
      def answers(app, limit) = Direct.answers(app || Rails.application, limit)

      # Reads every variable; the first that can't be read stands for all.
      def read(kind, classes)
        getter, = VARIABLES.fetch(kind)
        tried = classes.flat_map do |name, mod, place|
          variables(kind, mod).map do |variable|
            found = Finding.guard("#{name}.#{variable}") { mod.public_send(getter, variable).then { [] } }
            found.map { |one| { **one, where: place } }
          end
        end
        failed = tried.flatten
        what = "read #{kind} (#{failed.size} of #{tried.size} can't be, such as #{failed.first&.fetch(:what)})"
        failed.first(1).map { |first| { **first, what: what } }
      end

      # Sets one that is new.
      def set(kind, _classes)
        _, setter, name = VARIABLES.fetch(kind)
        PagesController.public_send(setter, name, 1)
        []
      end

      private

      # Without those of the class above.
      def variables(kind, mod)
        kind == "class variables" ? mod.class_variables(false) : mod.instance_variables
      end
    end
  end
end
