# frozen_string_literal: true

module Kino
  class Configuration
    # Addresses to listen on: the kinds of the settings `bind`, `host` and `port`, and the changes `host` and `port`
    # make to an address.
    #
    # @api private
    module Address
      # Where Kino listens unless told otherwise: on this machine only.
      DEFAULT = "tcp://127.0.0.1:9292"
      # The host of {DEFAULT}.
      HOST = "127.0.0.1"
      # The port of {DEFAULT}.
      PORT = 9292
      # Every interface of the machine, IPv4's and, where there are such, IPv6's.
      EVERYWHERE = "[::]"
      # What an error calls allowed.
      ALLOWED = "tcp://HOST:PORT, tcp://[IPV6]:PORT, ssl://HOST:PORT, unix:///PATH, unix://@NAME or systemd://NAME"
      # A host: a name, an IPv4 address, or an IPv6 address in brackets.
      HOST_SHAPE = /\[[\h:.]+(?:%\w+)?\]|[[:alnum:]][\w.-]*/
      # A TCP address in its parts; `tcp://` may be left out where a host and a port are there.
      TCP = %r{\A(?:tcp://)?(?<host>#{HOST_SHAPE}):(?<port>\d{1,5})/?\z}
      # The same where TLS is spoken.
      SSL = %r{\Assl://(?<host>#{HOST_SHAPE}):(?<port>\d{1,5})/?\z}
      # One of systemd's sockets, by its `FileDescriptorName=`.
      SYSTEMD = %r{\Asystemd://[^: ?[:cntrl:]]+\z}
      # Bytes a unix socket's path may have (`sun_path`, less the closing NUL).
      LONGEST_PATH = 107

      # The setting `bind`: one address or several.
      module Bind
        # @return [String] what is allowed
        def self.allowed = ALLOWED

        # @return [String] what a list of options calls the value
        def self.label = "URI"

        # @param value [Object] a String, or an Array of them
        # @return [Array<String>] addresses in one spelling, frozen
        # @raise [Kinds::Rejected]
        def self.call(value)
          addresses = Array(value)
          raise Kinds::Rejected, "which names no address" if addresses.empty?

          addresses.map { |address| Address.parse(address) }.uniq.freeze
        end
      end

      # One address, of Kino's own, where no TLS is spoken.
      module One
        # @return [String] what is allowed
        def self.allowed = ALLOWED.sub(/ssl:\S+ /, "")

        # @return [String] what a list of options calls the value
        def self.label = "URI"

        # @param value [Object] a String
        # @return [String] the address in one spelling, frozen
        # @raise [Kinds::Rejected]
        def self.call(value)
          address = Address.parse(value)
          raise Kinds::Rejected, "where no TLS is spoken" if address.start_with?("ssl:")
          raise Kinds::Rejected, "where no PROXY protocol is spoken" if address.match?(/[?&]proxy=true/)

          address
        end
      end

      # The setting `host`: a name or an IP address, without a port.
      module Host
        # @return [String] what is allowed
        def self.allowed = "a host name or an IP address"

        # @return [String] what a list of options calls the value
        def self.label = "HOST"

        # @param value [Object] a String
        # @return [String] as it stands in an address (IPv6 in brackets), frozen
        # @raise [Kinds::Rejected]
        def self.call(value)
          host = value.to_s
          host = "[#{host}]" if host.count(":") > 1 && !host.start_with?("[")
          raise Kinds::Rejected unless value.is_a?(String) && host.match?(/\A(?:#{HOST_SHAPE})\z/)

          -host
        end
      end

      class << self
        # @param address [Object] what the user wrote
        # @return [String] the same address as Kino keeps it, frozen
        # @raise [Kinds::Rejected] when it isn't one; with what was most likely meant where that is plain
        def parse(address)
          raise Kinds::Rejected unless address.is_a?(String)

          place, query = address.split("?", 2)
          base, kind = where(place.to_s)
          return base unless query

          query = BindParameters.tls(base, query) if base.start_with?("ssl://")
          BindParameters.check(base, query, kind)
          query.empty? ? base : -"#{base}?#{query}"
        end

        # @param uri [String] where a socket really listens
        # @return [String] what a client asks it by, such as `"https://127.0.0.1:9292"`
        def url(uri) = uri.sub(/\Atcp:/, "http:").sub(/\Assl:/, "https:")

        # @param host [String] IPv6 in brackets
        # @param port [Integer] 0 lets the system choose a free one
        # @return [String] frozen
        def tcp(host, port) = -"tcp://#{host}:#{port}"

        # @param addresses [Array<String>] addresses as {parse} gives them
        # @param host [String, nil] the host to have instead; nil keeps it
        # @param port [Integer, nil] the port to have instead; nil keeps it
        # @return [Array<String>] with the first TCP address changed, or one added where there is none
        def change(addresses, host:, port:)
          index = addresses.index { |address| address.start_with?("tcp://") } || addresses.size
          base, query = (addresses[index] || DEFAULT).split("?", 2)
          parts = TCP.match(base)
          changed = tcp(host || parts[:host], port || parts[:port])
          # What is said of one host says nothing of another.
          changed = -"#{changed}?#{query}" if query && !host
          [*addresses[0...index], changed, *addresses[(index + 1)..]]
        end

        private

        def where(place)
          return unix(place.delete_prefix("unix://")) if place.start_with?("unix://")
          return network(place, SSL, "ssl") if place.start_with?("ssl://")

          place.match?(SYSTEMD) ? [-place, :systemd] : network(place)
        end

        def network(address, shape = TCP, scheme = "tcp")
          parts = shape.match(address) || raise(slip(address))
          port = Integer(parts[:port], 10)
          raise Kinds::Rejected, "whose port is past 65535" if port > 65_535

          kind = parts[:host].start_with?("[") ? "ipv6" : "tcp"
          [-"#{scheme}://#{parts[:host]}:#{port}", :"#{"tls_" if scheme == "ssl"}#{kind}"]
        end

        # A relative path is taken from the folder Kino starts in: whatever changes folder later must not move it.
        # What begins with an @ is no path, but one of Linux's abstract names.
        def unix(path)
          raise Kinds::Rejected, "which names no path" if path.empty? || path == "@"

          abstract = path.start_with?("@")
          full = abstract ? path : File.expand_path(path)
          raise Kinds::Rejected, "longer than a socket's #{LONGEST_PATH} bytes" if full.bytesize > LONGEST_PATH

          [-"unix://#{full}", abstract ? :abstract : :file]
        end

        # The slips people make, each with what is wrong and what was meant.
        def slip(address)
          case address
          when %r{\A(?:https|tls)://([^/]+:\d+)/?\z} then Kinds::Rejected.new(nil, write: "ssl://#{$1}")
          when /\A:?(\d{1,5})\z/ then Kinds::Rejected.new("which names no host", write: tcp(HOST, $1))
          when %r{\Ahttp://([^/]+:\d+)/?\z} then Kinds::Rejected.new(nil, write: "tcp://#{$1}")
          when %r{\A(?:tcp://)?(\h*:[\h:]*):(\d+)\z}
            Kinds::Rejected.new("whose IPv6 address needs brackets", write: tcp("[#{$1}]", $2))
          when %r{\A(?:unix:)?(\.?/.*)\z} then Kinds::Rejected.new(nil, write: "unix://#{File.expand_path($1)}")
          when %r{\A(?:tcp://)?([[:alnum:]][\w.-]*|\[[\h:.]+\])\z}
            Kinds::Rejected.new("which names no port", write: tcp($1, PORT))
          else Kinds::Rejected.new
          end
        end
      end
    end
  end
end
