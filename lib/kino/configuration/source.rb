# frozen_string_literal: true

module Kino
  class Configuration
    # Where a value was written, so that an error can name the place and show, in that place's own syntax, what to
    # write instead.
    #
    # @api private
    class Source
      class << self
        # @return [Source] keywords handed to {Configuration#initialize}
        def keyword = new(nil) { |name, value| "#{name}: #{value.inspect}" }

        # @param flag [String] a flag as it is spelled on the command line, such as `"--threads"`
        # @return [Source] that flag
        def flag(flag)
          new(flag, names_setting: true) { |_name, value| value == true ? flag : "#{flag} #{quoted(value.to_s)}" }
        end

        # @return [Source] the command line's one argument that is no flag
        def argument = new("the argument", names_setting: true) { |_name, value| value }

        # @param variable [String] an environment variable's name
        # @return [Source] that variable
        def variable(variable)
          new(variable, names_setting: true, variable: true, by_mode: variable == "WEB_CONCURRENCY") do |_name, value|
            "#{variable}=#{value}"
          end
        end

        # @param path [String] a configuration file, as the user named it
        # @param line [Integer, nil] the line, counted from 1
        # @return [Source] that place in the file
        def file(path, line) = new(place(path, line)) { |name, value| "#{name} #{value.inspect}" }

        # @param path [String] a file of Puma's, as the user named it
        # @param line [Integer, nil] the line, counted from 1
        # @return [Source] `workers` in that place, which are processes to Puma
        def puma_workers(path, line)
          new("#{place(path, line)}: workers", names_setting: true, by_mode: true) do |_name, value|
            "workers #{value.inspect}"
          end
        end

        # @return [Source] the options `rackup -O NAME=VALUE` and `rails server` hand to a server
        def rackup_option
          new("-O", joint: " ") { |name, value| value == true ? "-O #{name}" : "-O #{name}=#{value}" }
        end

        private

        # For a shell, to which an & is the command's end.
        def quoted(value)
          value.match?(/[&;|<>()$`\\"'*?#\s]/) ? "'#{value.gsub("'") { %q('\\'') }}'" : value
        end

        def place(path, line) = [path, line].compact.join(":")
      end

      # @param place [String, nil] what an error says first; nil for the setting's name alone
      # @param names_setting [Boolean] whether the place already tells which setting is meant
      # @param joint [String] what stands between the place and the setting's name
      # @param variable [Boolean] whether the place is an environment variable
      # @param by_mode [Boolean] see {#by_mode?}
      # @yieldparam name [Symbol] a setting's name
      # @yieldparam value [Object] a value that is allowed
      # @yieldreturn [String] how that is written in this place
      def initialize(place, names_setting: false, joint: ": ", variable: false, by_mode: false, &syntax)
        @variable = variable
        @place = place
        @names_setting = names_setting
        @joint = joint
        @by_mode = by_mode
        @syntax = syntax
      end

      # @return [Boolean] whether the place is an environment variable
      def variable? = @variable

      # @return [Boolean] whether `processes` said there means "Ruby in parallel": workers, where they are ractors
      def by_mode? = @by_mode

      # @param name [Symbol] a setting's name
      # @return [String] the place, and the setting where the place doesn't name it: `"kino.rb:3: threads"`
      def label(name)
        return @place if @names_setting

        [@place, name].compact.join(@joint)
      end

      # @param name [Symbol] a setting's name
      # @param value [Object] a value that is allowed
      # @return [String] what to write in this place, such as `"threads 5"` or `"RAILS_MAX_THREADS=5"`
      def write(name, value) = @syntax.call(name, value)
    end
  end
end
