# frozen_string_literal: true

require_relative "../completions"

module Kino
  class CLI
    module Completions
      # For bash, 3.2 and newer.
      #
      # @api private
      class Bash
        # @param flags [Array<Flag>]
        def initialize(flags) = @flags = flags

        # @return [String]
        def text
          <<~BASH
            # Completions of kino for bash, made by: kino --completions bash
            # shellcheck shell=bash disable=SC2207
            _kino() {
              local IFS=$'\\n' word=$2 before=$3 command="" index offered
              COMPREPLY=()
              # bash takes --mode=threaded for three words.
              if [[ $word == = ]]; then
                word=""
              elif [[ $before == = ]]; then
                before=${COMP_WORDS[COMP_CWORD - 2]}
              fi

              case $before in
            #{values}
              esac

              for ((index = 1; index < COMP_CWORD; index++)); do
                case ${COMP_WORDS[index]} in
                  #{commands.join(" | ")}) command=${COMP_WORDS[index]} ;;
                esac
              done

              case $command in
            #{flags_by_command}
                *) offered=$'#{(commands + names).join('\n')}' ;;
              esac
              COMPREPLY=($(compgen -W "$offered" -- "$word"))
              # A config.ru, or a folder that has one.
              if [[ -z $command && $word != -* ]]; then
                COMPREPLY+=($(compgen -f -X '!*.ru' -- "$word") $(compgen -d -- "$word"))
              fi
            }
            complete -o filenames -F _kino kino
          BASH
        end

        private

        def commands = Completions.commands.keys.map(&:to_s)

        def names = (@flags.reject { |flag| Completions.owners(flag).any? }).flat_map(&:names)

        # What stands behind each flag that has a value; what may be anything is left to whoever writes it.
        def values
          @flags.select(&:value?).group_by { |flag| offer(flag) }.map do |offer, flags|
            "    #{flags.flat_map(&:names).join(" | ")})\n#{"      #{offer}\n" if offer}      return\n      ;;"
          end.join("\n")
        end

        def offer(flag)
          return 'COMPREPLY=($(compgen -f -- "$word"))' if flag.file?

          "COMPREPLY=($(compgen -W $'#{flag.values.join('\n')}' -- \"$word\"))" if flag.values.any?
        end

        def flags_by_command
          commands.map do |command|
            flags = @flags.select { |flag| Completions.flags_of(command.to_sym).include?(flag.long) }
            "    #{command}) offered=$'#{flags.flat_map(&:names).join('\n')}' ;;"
          end.join("\n")
        end
      end
    end
  end
end
