# frozen_string_literal: true

module Kino
  class CLI
    # One option of the command, as its parser knows it: what the completions of shells and the manual are made of.
    #
    # @!attribute [r] short
    #   @return [String, nil] `"-m"`
    # @!attribute [r] long
    #   @return [String] `"--mode"`
    # @!attribute [r] argument
    #   @return [String, nil] what its value is called, in brackets where it may be left out; nil where it has none
    # @!attribute [r] lines
    #   @return [Array<String>] what `--help` says of it
    # @!attribute [r] values
    #   @return [Array<String>] values that there are, where they are few; the first of a list else
    # @!attribute [r] setting
    #   @return [Configuration::Setting, nil] the setting that it says
    # @api private
    Flag = Data.define(:short, :long, :argument, :lines, :values, :setting) do
      # @param switch [OptionParser::Switch]
      # @param values [Array<#to_s>] see {#values}
      # @return [Flag]
      def self.of(switch, values)
        setting = Configuration::Settings::TABLE.values.find { |one| one.flags.include?(switch.long.first) }
        argument = switch.arg&.strip
        new(short: switch.short.first, long: switch.long.first, argument: argument, lines: switch.desc,
            values: values.map(&:to_s), setting: setting)
      end

      # @return [Array<String>] as it may be written
      def names = [short, long].compact

      # @return [String] half a line of what it is
      def summary = setting ? setting.summary : lines.join(" ")

      # @return [Boolean] whether it has a value
      def value? = !argument.nil?

      # @return [Boolean] whether that may be left out
      def optional? = argument.to_s.start_with?("[")

      # @return [Boolean] whether that is the path of a file
      def file? = argument.to_s.delete("[]") == "FILE"

      # @return [Boolean] whether it may be written several times
      def list? = setting&.list? || false
    end

    private_constant :Flag
  end
end
