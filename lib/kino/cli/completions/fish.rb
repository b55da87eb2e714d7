# frozen_string_literal: true

require_relative "../completions"

module Kino
  class CLI
    module Completions
      # For fish.
      #
      # @api private
      class Fish
        # @param flags [Array<Flag>]
        def initialize(flags) = @flags = flags

        # @return [String]
        def text
          <<~FISH
            # Completions of kino for fish, made by: kino --completions fish
            complete -c kino -f
            complete -c kino -n __fish_use_subcommand -k -a '(__fish_complete_suffix .ru)'
            #{commands.join("\n")}
            #{@flags.map { |flag| flag(flag) }.join("\n")}
          FISH
        end

        private

        def commands
          Completions.commands.map do |name, about|
            "complete -c kino -n __fish_use_subcommand -a #{name} -d #{quote(about)}"
          end
        end

        def flag(flag)
          owners = Completions.owners(flag)
          words = ["complete -c kino", ("-n '__fish_seen_subcommand_from #{owners.join(" ")}'" if owners.any?),
                   ("-s #{flag.short.delete_prefix("-")}" if flag.short), "-l #{flag.long.delete_prefix("--")}",
                   *value(flag), "-d #{quote(flag.summary)}"]
          words.compact.join(" ")
        end

        # What may be left out is no file unless it is written.
        def value(flag)
          return [] unless flag.value?

          return ["-r -F"] if flag.file? && !flag.optional?
          return ["-F"] if flag.file?

          ["-x", *("-a #{quote(flag.values.join(" "))}" if flag.values.any?)]
        end

        def quote(text) = "'#{text.gsub(/[\\']/) { |character| "\\#{character}" }}'"
      end
    end
  end
end
