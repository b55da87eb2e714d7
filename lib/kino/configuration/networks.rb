# frozen_string_literal: true

module Kino
  class Configuration
    # Peers of connections, by their addresses: the kind of the setting `trusted_proxies`.
    #
    # @api private
    class Networks
      # Who needs no network to connect: programs of this machine.
      LOCAL = ["127.0.0.0/8", "::1", "unix"].freeze
      # What stands for nobody.
      NONE = [nil, false, "nil", "false", "", []].freeze
      private_constant :NONE

      # @return [String] what is allowed
      def allowed = 'addresses and networks such as ["10.0.0.0/8", "::1", "unix"], or false for none'

      # @return [String] what a list of options calls the value
      def label = "NETWORKS"

      # @param value [Object] an Array of Strings, or text with commas between them; nil or false for none
      # @return [Array<String>] in one spelling, frozen
      # @raise [Kinds::Rejected]
      def call(value)
        return [].freeze if NONE.include?(value)

        written = value.is_a?(String) ? value.split(",").map(&:strip) : value
        raise Kinds::Rejected unless written.is_a?(Array)

        networks = written.map { |one| network(one) }.uniq.freeze
        wide = written.find { |one| wide?(one) }
        raise Kinds::Rejected.new("of which #{wide} has bits past its length", write: networks) if wide

        networks
      end

      private

      # The text in one spelling.
      def network(written)
        return written if LOCAL.include?(written)
        raise Kinds::Rejected, "of which #{written.inspect} is no text" unless written.is_a?(String)

        address = parse(written)
        address.prefix == (address.ipv4? ? 32 : 128) ? -address.to_s : -"#{address}/#{address.prefix}"
      end

      # 10.1.2.3/8 is all of 10.0.0.0/8, which whoever writes it may not know.
      def wide?(written)
        !LOCAL.include?(written) && written.include?("/") && parse(written) != parse(written[%r{\A[^/]+}])
      end

      def parse(written)
        require "ipaddr" # only where somebody writes one
        raise Kinds::Rejected, "of which #{written.inspect} has a zone" if written.include?("%")

        IPAddr.new(written)
      rescue IPAddr::Error
        raise Kinds::Rejected, "of which #{written.inspect} is neither an address nor a network"
      end
    end

    # Those who may see something that is not for everybody: the kind of the setting `error_page`.
    #
    # @api private
    class Viewers < Networks
      # @return [String] what is allowed
      def allowed = 'addresses and networks such as ["127.0.0.1", "172.17.0.0/16"], true for this machine, or false ' \
                    "for nobody"

      # @param value [Object] as for {Networks#call}; true for whoever sits at this machine
      # @return [Array<String>] in one spelling, frozen
      # @raise [Kinds::Rejected]
      def call(value) = [true, "true"].include?(value) ? LOCAL : super
    end
  end
end
