# frozen_string_literal: true

require "socket"
require_relative "../errors"

module Kino
  # Sockets that systemd has opened and started this process with (sd_listen_fds(3), `kino.socket`): descriptors from 3
  # on, each with a name. They stay systemd's: nobody here removes the file of one.
  #
  # Where nobody says where to listen, all of them are listened on; otherwise those that `bind` names, by
  # `systemd://NAME`, or by the address that they have.
  #
  # @api private
  class ActivatedSockets
    # The number of the first.
    FIRST = 3
    # What begins an address that is a name.
    SCHEME = "systemd://"
    # What nobody that is started by this process is to find.
    VARIABLES = %w[LISTEN_PID LISTEN_FDS LISTEN_FDNAMES].freeze
    private_constant :FIRST, :VARIABLES

    # What an address's host stands for besides: in a .socket, a port alone is `[::]` of both versions.
    ALSO = { "tcp://localhost" => %w[tcp://127.0.0.1 tcp://[::1]], "tcp://0.0.0.0" => %w[tcp://[::]] }.freeze
    # What an address may say of connections; all else of a socket is systemd's to know.
    KEPT = /\A(?:proxy|cert|key|key_password_command|ocsp|client_ca|verify|min_version)=/
    private_constant :ALSO, :KEPT

    # One of them.
    #
    # @!attribute [r] number
    #   @return [Integer] its descriptor
    # @!attribute [r] name
    #   @return [String] `FileDescriptorName=`
    # @!attribute [r] uri
    #   @return [String] where it listens
    Activated = Data.define(:number, :name, :uri) do
      # @param address [String] what `bind` says
      # @return [Boolean] whether that is this one
      def at?(address)
        return name == address.delete_prefix(SCHEME) if address.start_with?(SCHEME)

        address = address.sub(/\Assl:/, "tcp:")
        host, _, port = address.rpartition(":")
        uri == address || ALSO[host].to_a.any? { |other| uri == "#{other}:#{port}" }
      end

      # @param address [String, nil] what `bind` says
      # @return [String] what the native side takes it over by
      def description(address = nil)
        place, parameters = address.to_s.split("?", 2)
        here = place.to_s.start_with?("ssl:") ? uri.sub(/\Atcp:/, "ssl:") : uri
        kept = parameters.to_s.split("&").grep(KEPT)
        full = [here, *(kept.join("&") if kept.any?)].join("?")
        "#{number},lent=#{full.gsub(/[%\s]/) { |character| format("%%%02X", character.ord) }}"
      end
    end
    private_constant :Activated

    # Those that the environment names, which is taken out of there.
    #
    # @param env [Hash{String => String}, ENV]
    # @return [ActivatedSockets]
    # @raise [BindError] when what it names is no socket
    def self.take(env = ENV)
      pid, number, names = VARIABLES.map { |name| env.delete(name) }
      number = pid.to_i == Process.pid ? number.to_i : 0
      names = names.to_s.split(":")
      new(Array.new(number) { |index| Activated.new(FIRST + index, names[index].to_s, uri_of(FIRST + index)) })
    end

    def self.uri_of(number)
      socket = Socket.for_fd(number)
      socket.autoclose = false
      raise ArgumentError, "it is a socket that doesn't listen" unless socket.getsockopt(:SOCKET, :ACCEPTCONN).bool

      address = socket.local_address
      return "unix://#{address.unix_path.sub(/\A\0/, "@")}" if address.unix?

      "tcp://#{address.ipv6? ? "[#{address.ip_address}]" : address.ip_address}:#{address.ip_port}"
    rescue SystemCallError, SocketError, ArgumentError => error
      raise BindError, "systemd's descriptor #{number} can't be listened on (#{error.message}); in a .socket, write " \
                       "ListenStream= and Accept=no"
    end
    private_class_method :uri_of

    # @param all [Array<Activated>]
    def initialize(all) = @all = all

    # Listens on them.
    #
    # @param configuration [Configuration]
    # @return [Native::Listeners, nil] all that is to be listened on; nil where systemd has to do with none of it
    # @raise [BindError]
    def listeners(configuration)
      addresses = configuration.addressed? ? configuration.bind : []
      return if @all.empty? && addresses.none? { |address| address.start_with?(SCHEME) }

      @taken = addresses.empty? ? @all.to_h { |one| [one, nil] } : pick(addresses)
      rest = addresses.reject { |address| @all.any? { |one| one.at?(address.split("?").first) } }
      Native::Listeners.beside(@taken.map { |one, address| one.description(address) }.join(" "), rest)
    end

    # @return [Array<String>] what the start says of them, a line each
    def notes
      return [] if @all.empty?

      used, unused = @all.partition { |one| @taken&.key?(one) }
      [*("From systemd: #{used.map { |one| label(one) }.join(", ")}" if used.any?),
       *unused.map { |one| "From systemd, and not listened on, since no bind names it: #{label(one)}" }]
    end

    # Closes those that nobody listens on.
    #
    # @return [void]
    def close_rest
      (@all - @taken.to_h.keys).each { |one| IO.for_fd(one.number).close }
    end

    private

    def label(one) = one.name.empty? ? one.uri : "#{one.uri} (#{one.name})"

    # With what `bind` says of each.
    def pick(addresses)
      addresses.each_with_object({}) do |address, taken|
        place = address.split("?").first
        found = @all.select { |one| one.at?(place) }
        raise BindError, missing(address) if found.empty? && place.start_with?(SCHEME)

        found.each { |one| taken[one] ||= address }
      end
    end

    def missing(address)
      names = @all.map { |one| one.name.inspect }.uniq
      given = names.empty? ? "no sockets" : "sockets named #{names.join(", ")}"
      "can't listen on #{address}: systemd has given #{given}; write " \
        "FileDescriptorName=#{address[%r{\Asystemd://([^?]*)}, 1]} in the .socket that starts this service"
    end
  end

  private_constant :ActivatedSockets
end
