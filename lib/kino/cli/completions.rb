# frozen_string_literal: true

require_relative "remote"

module Kino
  class CLI
    # What has a shell complete `kino`'s words, made of the options themselves.
    #
    # @api private
    module Completions
      autoload :Bash, "#{__dir__}/completions/bash"
      autoload :Fish, "#{__dir__}/completions/fish"
      autoload :Zsh, "#{__dir__}/completions/zsh"

      # Shells that there are completions for.
      SHELLS = %w[bash zsh fish].freeze
      # What each command takes, besides what it names itself.
      COMMON = %w[--config --control --help].freeze
      private_constant :COMMON

      module_function

      # @param shell [String] one of {SHELLS}
      # @param flags [Array<Flag>]
      # @return [String] the shell's own code
      def for(shell, flags)
        const_get(shell.capitalize).new(flags).text
      end

      # @return [Hash{Symbol => String}] commands, and what each does, in half a line
      def commands
        Remote::COMMANDS.transform_values { |_, about| about[/\A[^.;]+/] }
      end

      # @param command [Symbol]
      # @return [Array<String>] flags that it takes, in long
      def flags_of(command) = Remote::COMMANDS.fetch(command).first.scan(/--[\w-]+/) + COMMON

      # @param flag [Flag]
      # @return [Array<Symbol>] the commands that alone take it; empty where it is for more than those
      def owners(flag)
        return [] unless flag.lines.first.to_s.match?(/\Aof (#{Remote::COMMANDS.keys.join("|")}):/)

        Remote::COMMANDS.keys.select { |command| flags_of(command).include?(flag.long) }
      end
    end

    private_constant :Completions
  end
end
