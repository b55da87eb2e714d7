# frozen_string_literal: true

require "openssl"

# Certificates made for specs, and clients that speak TLS.
module TLS
  # One that signs itself, or is signed by another.
  class Made
    attr_reader :certificate, :key

    # @param names [Array<String>] the hosts that it is for
    # @param by [Made, nil] who signs it
    # @param days [Numeric] for how long it holds
    # @param from [Numeric] from when on, in days from now
    # @param key [OpenSSL::PKey::PKey]
    # @param authority [Boolean] whether it may sign others
    def initialize(*names, by: nil, days: 30, from: -1, key: OpenSSL::PKey::EC.generate("prime256v1"),
                   authority: false)
      @key = key
      @certificate = OpenSSL::X509::Certificate.new
      certificate.version = 2
      certificate.serial = rand(1..(2**64))
      certificate.subject = OpenSSL::X509::Name.new([["CN", names.first || "a client"]])
      certificate.issuer = (by&.certificate || certificate).subject
      certificate.public_key = key
      certificate.not_before = Time.now + (from * 86_400)
      certificate.not_after = Time.now + (days * 86_400)
      extend_by(names, by, authority)
      certificate.sign((by || self).key, "SHA256")
    end

    def cert_pem = certificate.to_pem

    def key_pem(*) = key.private_to_pem(*)

    # What `tls` is told.
    def given = { cert: cert_pem, key: key_pem }

    # Written as files of that name.
    def write(folder, name = "app")
      cert, key = %w[pem key].map { |ending| File.join(folder, "#{name}.#{ending}") }
      File.write("#{cert}.new", cert_pem)
      File.write("#{key}.new", key_pem)
      [cert, key].each { |path| File.rename("#{path}.new", path) }
      { cert: cert, key: key }
    end

    private

    def extend_by(names, by, authority)
      factory = OpenSSL::X509::ExtensionFactory.new(by&.certificate || certificate, certificate)
      alternatives = names.map { |name| "#{name.match?(/\A[\d.]+\z/) ? "IP" : "DNS"}:#{name}" }.join(",")
      certificate.add_extension(factory.create_extension("basicConstraints", "CA:#{authority.to_s.upcase}", true))
      certificate.add_extension(factory.create_extension("subjectAltName", alternatives)) if names.any?
    end
  end

  # The one that servers have where an example says nothing else.
  def self.made = @made ||= Made.new("localhost", "127.0.0.1")

  # A socket that speaks TLS over one that is connected. What the context is to have otherwise, the block is yielded.
  def self.connect(socket, name: "localhost")
    context = OpenSSL::SSL::SSLContext.new
    context.verify_mode = OpenSSL::SSL::VERIFY_NONE
    yield context if block_given?
    # What is written is with the server when that has been done, and waits for no acknowledgement.
    socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
    tls = OpenSSL::SSL::SSLSocket.new(socket, context)
    tls.hostname = name if name
    tls.sync = tls.sync_close = true
    tls.connect
  rescue StandardError
    socket.close
    raise
  end

  # What an answer of `Probes::Env` has told, and a session to go on with.
  Talk = Data.define(:env, :is_resumed, :session)

  # Asks once, as one who may have a certificate, and an earlier session.
  def self.talk(port, version:, protocol:, own: nil, session: nil)
    told = nil
    context = OpenSSL::SSL::SSLContext.new
    context.min_version = context.max_version = version
    context.alpn_protocols = [protocol]
    context.cert, context.key = own.certificate, own.key if own
    context.session_cache_mode = OpenSSL::SSL::SSLContext::SESSION_CACHE_CLIENT
    context.session_new_cb = ->((_, made)) { told = made }
    tls = OpenSSL::SSL::SSLSocket.new(TCPSocket.new("127.0.0.1", port), context)
    tls.hostname = "localhost"
    tls.session = session if session
    tls.sync = tls.sync_close = true
    raw = RawClient.new(tls.connect)
    answer = protocol == "h2" ? Http2Client.new(raw).get(1) : raw.get
    Talk.new(env: Probes.read(answer), is_resumed: tls.session_reused?, session: told || tls.session)
  ensure
    raw ? raw.close : tls&.close
  end

  # The same by an earlier session.
  def self.resume(socket, session)
    context = OpenSSL::SSL::SSLContext.new
    context.max_version = OpenSSL::SSL::TLS1_2_VERSION
    context.session_cache_mode = OpenSSL::SSL::SSLContext::SESSION_CACHE_CLIENT
    tls = OpenSSL::SSL::SSLSocket.new(socket, context)
    tls.hostname = "localhost"
    tls.session = session
    tls.sync = tls.sync_close = true
    tls.connect
  end
end
