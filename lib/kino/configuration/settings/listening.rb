# frozen_string_literal: true

module Kino
  class Configuration
    module Settings
      # Where clients come to, and who is believed there.
      LISTENING = [
        Setting.new(:bind, Address::Bind, default: [Address::DEFAULT].freeze, default_text: Address::DEFAULT,
                    example: Address::DEFAULT, flags: %w[-b --bind],
                    summary: "address to listen on, such as unix:///run/app.sock", doc: <<~TEXT),
          An address to listen on: tcp://HOST:PORT, tcp://[IPV6]:PORT, unix:///PATH or, on Linux,
          unix://@NAME, or systemd://NAME for a socket that systemd has opened, by its
          FileDescriptorName. Where systemd has opened some and nobody says where to listen, Kino listens
          on all of them; an address that one of them has already is that one. Write it once for each
          address. The default can be reached from this machine only; write tcp://[::]:9292 to be reached
          from elsewhere. localhost is 127.0.0.1 and ::1; [::]
          is every interface, of IPv4 too. Port 0 takes any free port. A -b flag replaces the addresses
          in this file. ssl://HOST:PORT is a port where TLS is spoken, with what the setting tls says, or
          with ?cert=FILE&key=FILE (and key_password_command, ocsp, client_ca, verify, min_version).
          Parameters follow a ?, with & between them: backlog=1024; ipv6only=true for [::]
          without IPv4; reuse_port=true where another server listens at the same port, and says the same;
          mode=0660 or umask=0007 for the file of a unix socket, to which everybody may
          connect (0777) otherwise.
        TEXT
        Setting.new(:port, Kinds::Whole.new(0..65_535), default: Address::PORT, flags: %w[-p --port],
                    variables: %w[PORT], shorthand: true,
                    summary: "port to listen on, on 127.0.0.1 unless kino.rb names a host", doc: <<~TEXT),
          Short for an address with this port, on host. Beside bind in the same place it is one more
          address; from a stronger place (-p, or PORT in the environment) it changes the port of the
          first tcp:// address. PORT where nobody names a host listens on every interface.
        TEXT
        Setting.new(:host, Address::Host, default: Address::HOST, shorthand: true,
                    summary: "host to listen on, for port", doc: <<~TEXT),
          The host that goes with port. 0.0.0.0 is every IPv4 interface of this machine, :: every one,
          localhost both 127.0.0.1 and ::1.
        TEXT
        Setting.new(:tls, TLS.new, default: [].freeze, default_text: "none",
                    summary: "certificates for ssl:// addresses that name none", doc: <<~TEXT),
          A certificate and its key for the addresses that begin with ssl:// and name none themselves:
          cert: and key: are the paths of PEM files, or the PEM text; behind the certificate stand those
          between it and its root. Write it once for each certificate: a client gets the one for the
          name it asks for (*.example.org is any one name), and the first where none is. An encrypted
          key has its password printed by key_password_command:. ocsp: is a file with the response to
          staple. Clients are verified by client_ca:, the file of those who sign their certificates, and
          verify: :optional or :required. min_version: "1.3" leaves TLS 1.2 out. A file that changes is
          read again within a second, and on HUP; what is wrong with it is logged, and what was is
          served on.
        TEXT
        Setting.new(:trusted_proxies, Networks.new, default: Networks::LOCAL,
                    default_text: "this machine: #{Networks::LOCAL.join(", ")}", example: ["10.0.0.0/8", "unix"],
                    summary: "proxies that tell the client's scheme, host and port", doc: <<~TEXT)
          Proxies whose word is taken on how their client came: from these addresses,
          X-Forwarded-Proto, -Scheme, -Ssl, -Host and -Port, and RFC 7239's Forwarded, set
          rack.url_scheme, HTTPS, SERVER_NAME and SERVER_PORT. "unix" is whoever may open Kino's unix
          sockets; false is nobody. From others these headers change nothing, though the app sees them.
          A list replaces the default.
        TEXT
      ].freeze
      private_constant :LISTENING
    end
  end
end
