# frozen_string_literal: true

require_relative "../completions"

module Kino
  class CLI
    module Completions
      # For zsh, from a folder of its `fpath`, as `_kino`, or read by it.
      #
      # @api private
      class Zsh
        # @param flags [Array<Flag>]
        def initialize(flags) = @flags = flags

        # @return [String]
        def text
          <<~ZSH
            #compdef kino
            # Completions of kino for zsh, made by: kino --completions zsh

            _kino_first() {
              local -a commands
              commands=(
            #{commands}
              )
              _describe -t commands 'command' commands
              _files -g '*.ru(-.)'
            }

            _kino() {
              _arguments -s -S \\
            #{@flags.map { |flag| "    #{argument(flag)} \\" }.join("\n")}
                '1:command or config.ru:_kino_first' \\
                '2:process'
            }

            # Sourced, it says whose completions these are; found in a folder, it is them.
            if [[ $funcstack[1] == _kino ]]; then
              _kino "$@"
            else
              compdef _kino kino
            fi
          ZSH
        end

        private

        def commands
          Completions.commands.map { |name, about| "    #{quote("#{name}:#{about.gsub(":", "\\:")}")}" }.join("\n")
        end

        # Such as `'(-m --mode)'{-m,--mode}'[how workers run]:NAME:(threaded ractor auto)'`.
        def argument(flag)
          about = "[#{flag.summary.gsub(/[\\\[\]:]/) { |character| "\\#{character}" }}]#{value(flag)}"
          star = flag.list? ? "*" : nil
          return quote("#{star}#{flag.long}#{about}") unless flag.short

          except = star ? quote(star) : quote("(#{flag.names.join(" ")})")
          "#{except}{#{flag.names.join(",")}}#{quote(about)}"
        end

        def value(flag)
          return unless flag.value?

          label = flag.argument.delete("[]")
          action = flag.file? ? "_files" : ("(#{flag.values.join(" ")})" if flag.values.any?)
          "#{":" if flag.optional?}:#{label}:#{action || " "}"
        end

        def quote(text) = "'#{text.gsub("'", "'\\\\''")}'"
      end
    end
  end
end
