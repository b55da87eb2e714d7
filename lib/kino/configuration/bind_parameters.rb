# frozen_string_literal: true

module Kino
  class Configuration
    # What may follow an address after a `?`: `name=value`, with `&` between several. The native code, which acts on
    # them, has the same table (`ext/core/src/net/listener/parameters.rs`); this one is for errors that name the place.
    #
    # @api private
    module BindParameters
      # One parameter: its name, the kinds of address it is for, what is allowed, an example, and what its value
      # has to match.
      Parameter = Data.define(:name, :of, :allowed, :example, :shape)

      # An octal number, as chmod and umask take it.
      OCTAL = /\A0?[0-7]{1,3}\z/
      # All there are.
      TABLE = [
        Parameter.new("backlog", %i[tcp ipv6 file abstract], "a number from 1 to 65535", "1024",
                      ->(value) { value.match?(/\A\d{1,5}\z/) && Integer(value, 10).between?(1, 65_535) }),
        Parameter.new("ipv6only", %i[ipv6], "true or false", "true", /\A(?:true|false)\z/),
        Parameter.new("proxy", %i[tcp ipv6 file abstract systemd], "true or false", "true", /\A(?:true|false)\z/),
        Parameter.new("reuse_port", %i[tcp ipv6], "true or false", "true", /\A(?:true|false)\z/),
        Parameter.new("mode", %i[file], "an octal number from 0 to 0777", "0660", OCTAL),
        Parameter.new("umask", %i[file], "an octal number from 0 to 0777", "0007", OCTAL)
      ].freeze
      private_constant :OCTAL

      class << self
        # @param base [String] the address before the `?`
        # @param query [String] what follows it
        # @param kind [Symbol] what kind of address it is: `:tcp`, `:ipv6`, `:file`, `:abstract` or
        #   `:systemd`
        # @return [void]
        # @raise [Kinds::Rejected] for a parameter that is unknown, or of another kind of address, and for its value
        def check(base, query, kind)
          known = TABLE.select { |parameter| parameter.of.include?(kind) }
          query.split("&", -1).each do |pair|
            name, value = pair.split("=", 2)
            parameter = known.find { |one| one.name == name } || raise(unknown(base, pair, known))
            next if parameter.shape === value.to_s

            raise Kinds::Rejected.new("whose #{name} has to be #{parameter.allowed}", write: with(base, parameter))
          end
        end

        private

        def unknown(base, pair, known)
          names = known.map(&:name)
          near = Nearest.to(pair[/\A[^=]*/], names)
          Kinds::Rejected.new("whose parameter #{pair.inspect} isn't known for it (#{names.join(", ")})",
                              write: with(base, known.find { |one| one.name == near } || known.first))
        end

        def with(base, parameter) = "#{base}?#{parameter.name}=#{parameter.example}"
      end
    end
  end
end
