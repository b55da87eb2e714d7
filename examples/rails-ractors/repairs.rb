# frozen_string_literal: true

require_relative "requirements"

# What keeps the Rails of August 2026 (its main branch) from answering in a ractor of Ruby 4.0, and how an app can
# repair it while it boots. Each repair is a file of repairs/, which says what is wrong, where that is mended upstream
# if it is, and does no more than that. Any can be left out, by its name:
#
#     SKIP_REPAIRS=i18n,route_params kino
#
# They freeze constants of Rails and of gems, and put methods in other methods' place; nobody else should have them.
module Repairs
  # One of them. What it does `before` comes before `ractorize!`, what it does `after` comes right after that.
  #
  # @!attribute [r] name
  #   @return [String] its file's
  # @!attribute [r] upstream
  #   @return [String] what makes it unnecessary
  # @!attribute [r] steps
  #   @return [Hash{Symbol => #call}]
  Repair = Struct.new(:name, :upstream, :steps) do
    def before(&step) = steps[:before] = step
    def after(&step) = steps[:after] = step
  end

  @all = []
  @skipped = ENV["SKIP_REPAIRS"].to_s.split(",")

  class << self
    # @return [Array<Repair>]
    attr_reader :all
    # @return [Array<String>] names of those that are left out
    attr_accessor :skipped

    # Has the app shared by `ractorize!` with the repairs around it, whoever calls that: Kino does, before it starts
    # workers.
    #
    # @return [void]
    def install = Rails.application.singleton_class.prepend(Around)

    # Does all that is to be done at a time.
    #
    # @param time [Symbol] `:before` or `:after`
    # @return [void]
    # @raise [ArgumentError] for names that none has
    def apply(time)
      unknown = skipped - all.map(&:name)
      raise ArgumentError, "no repair is called #{unknown.join(", ")}" unless unknown.empty?

      all.each { |repair| repair.steps[time]&.call unless skipped.include?(repair.name) }
    end

    # @param name [String] what its file is called
    # @param upstream [String] what makes it unnecessary, or "none known"
    # @yieldparam repair [Repair]
    def add(name, upstream:, &block) = all << Repair.new(name, upstream, {}).tap(&block)

    # Constants that would be frozen had anybody thought of ractors.
    #
    # @param names [Array<String>] those that there aren't are none's business
    def share(*names)
      names.each { |name| Ractor.make_shareable(Object.const_get(name)) if Object.const_defined?(name) }
    end

    # Instance variables of classes and modules.
    def share_variables(mod, *names)
      names.each do |name|
        value = mod.instance_variable_get(name)
        mod.instance_variable_set(name, Ractor.make_shareable(value)) unless Ractor.shareable?(value)
      end
    end

    # A lambda or block in a variable or a list; one that uses what can't be shared stays as it is.
    def share_proc(value)
      return value if !value.is_a?(Proc) || Ractor.shareable?(value)

      value.lambda? ? Ractor.shareable_lambda(&value) : Ractor.shareable_proc(&value)
    rescue Ractor::Error, ArgumentError
      value
    end
  end

  # `ractorize!` with repairs.
  module Around
    def ractorize!
      Repairs.apply(:before)
      super
      Repairs.apply(:after)
    end
  end
end

Dir[File.join(__dir__, "repairs", "*.rb")].sort.each { |file| require file }
