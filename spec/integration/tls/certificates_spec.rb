# frozen_string_literal: true

require "tmpdir"

RSpec.describe "Certificates" do
  around { |example| Dir.mktmpdir("kino") { |folder| @folder = folder and example.run } }

  def secure(tls, bind: ["ssl://127.0.0.1:0"], **settings, &)
    app = shareable do
      lambda do |env|
        own = env["puma.peercert"]
        env["puma.peercert"] = "#{own.class} #{own.serial}" if own
        Probes.answer(Probes.strings(env))
      end
    end
    serve(app, bind: bind, tls: tls, handshake_timeout: Eventually::DEADLINE, **settings, &)
  end

  # The one that a client is shown that asks for that name.
  def shown(server, name)
    tls = TLS.connect(TCPSocket.new("127.0.0.1", server.port), name: name)
    tls.peer_cert
  ensure
    tls&.close
  end

  def refusal(tls, bind: ["ssl://127.0.0.1:0"])
    server_of(Probes::Env, mode: :threaded, bind: bind, tls: tls).start
    nil
  rescue Kino::ConfigurationError => error
    error.message
  end

  each_mode do
    it "are chosen by the name that a client asks for" do
      default, any, own = [%w[default.org], %w[*.example.org], %w[a.example.org example.org]].map do |names|
        TLS::Made.new(*names)
      end
      secure([default, any, own].map(&:given)) do |server|
        names = [nil, "elsewhere.org", "b.example.org", "a.example.org", "example.org", "a.b.example.org"]
        given = names.map { |name| [default, any, own].index { |made| made.certificate == shown(server, name) } }
        expect(given).to eq([0, 0, 1, 2, 2, 0])
      end
    end

    it "come with those between them and their root" do
      root = TLS::Made.new("root", authority: true)
      between = TLS::Made.new("between", by: root, authority: true)
      leaf = TLS::Made.new("localhost", by: between)
      secure({ cert: leaf.cert_pem + between.cert_pem, key: leaf.key_pem }) do |server|
        store = OpenSSL::X509::Store.new.tap { |one| one.add_cert(root.certificate) }
        tls = TLS.connect(TCPSocket.new("127.0.0.1", server.port)) do |context|
          context.verify_mode = OpenSSL::SSL::VERIFY_PEER
          context.cert_store = store
        end
        tls.post_connection_check("localhost")
        expect(tls.peer_cert_chain.size).to eq(2)
        tls.close
      end
    end

    it "may be of RSA, and of Ed25519, and have keys that are encrypted" do
      [OpenSSL::PKey::RSA.new(2048), OpenSSL::PKey.generate_key("ED25519")].each do |key|
        made = TLS::Made.allocate.tap { |one| one.send(:initialize, "localhost", key: key) }
        secure({ cert: made.cert_pem, key: made.key_pem }) do |server|
          expect(shown(server, "localhost")).to eq(made.certificate)
        end
      rescue OpenSSL::X509::CertificateError
        next # Ed25519 signs without a digest, which Ruby's OpenSSL may not know
      end
      locked = TLS.made.key_pem("aes-256-cbc", "secret")
      secure({ cert: TLS.made.cert_pem, key: locked, key_password_command: "echo secret" }) do |server|
        expect(shown(server, "localhost")).to eq(TLS.made.certificate)
      end
    end

    it "are read again when their files change, while connections go on" do
      one, other = Array.new(2) { TLS::Made.new("localhost") }
      secure(one.write(@folder)) do |server, log|
        RawClient.open(server.url) do |client|
          client.get
          expect(shown(server, "localhost")).to eq(one.certificate)
          other.write(@folder)
          eventually("the new one is shown") { shown(server, "localhost") == other.certificate }
          log.wait_for(/app.pem" was read again: localhost/)
          expect(client.get.status).to eq(200)
        end
      end
    end

    it "stay what they were when what is read again is wrong" do
      made = TLS::Made.new("localhost")
      secure(made.write(@folder)) do |server, log|
        File.write(File.join(@folder, "app.key"), TLS::Made.new("localhost").key_pem)
        log.wait_for(/can't be read again, so what was is served on: key ".*app.key" is not the key of cert ".*"/)
        expect(shown(server, "localhost")).to eq(made.certificate)
        eventually("it is counted") { server.stats[:tls_reload_failures] >= 1 }
      end
    end

    it "are told of before their end, and counted" do
      soon = TLS::Made.new("localhost", days: 3.5)
      secure([TLS::Made.new("elsewhere").given, soon.given]) do |server, log|
        log.wait_for(/holds for 3 more days: renew it \(localhost\)/)
        eventually("it is told") { server.stats[:tls_certificate_expires] == soon.certificate.not_after.to_i }
      end
    end

    it "that have ended do not take the place of those that hold, and those that do not hold yet are told of" do
      made, ended = TLS::Made.new("localhost"), TLS::Made.new("localhost", days: -0.5)
      secure(made.write(@folder)) do |server, log|
        ended.write(@folder)
        log.wait_for(/so what was is served on: cert ".*app.pem" no longer holds, and the one that is served does/)
        expect(shown(server, "localhost")).to eq(made.certificate)
        TLS::Made.new("localhost", from: 1.5).write(@folder)
        log.wait_for(/app.pem" does not hold yet, but from 36 h on: until then clients refuse it \(localhost\)/)
      end
    end

    it "of those who sign clients' are told of where no client is verified" do
      secure({ **TLS.made.given, client_ca: TLS.made.cert_pem }) do |_, log|
        log.wait_for(/client_ca that is given as text does nothing, since no client is verified; write verify: /)
      end
    end

    it "of clients that have ended since are good for no session that is taken up" do
      ca = TLS::Made.new("ca", authority: true)
      own = TLS::Made.new(by: ca, days: 3 / 86_400.0)
      secure({ **TLS.made.given, client_ca: ca.cert_pem, verify: :required }) do |server, log|
        ask = lambda do |session|
          context = OpenSSL::SSL::SSLContext.new
          context.max_version = OpenSSL::SSL::TLS1_2_VERSION
          context.cert, context.key = own.certificate, own.key
          tls = OpenSSL::SSL::SSLSocket.new(TCPSocket.new("127.0.0.1", server.port), context)
          tls.session = session if session
          RawClient.new(tls.connect).then { |raw| raw.get.tap { raw.close } }
          tls
        rescue OpenSSL::SSL::SSLError => error
          error.message
        end
        first = ask.call(nil)
        again = ask.call(first.session)
        expect(again.is_a?(String) || again.session_reused?).to be(true)
        sleep 0.1 until Time.now > own.certificate.not_after + 1
        # In a handshake of its own, which tells it why.
        expect(ask.call(first.session)).to match(/certificate expired/)
        log.wait_for(/invalid peer certificate: certificate expired: .* \(client_ca, verify\)/)
        expect(server.stats[:tls_client_certificate]).to be_positive
      end
    end

    [OpenSSL::SSL::TLS1_2_VERSION, OpenSSL::SSL::TLS1_3_VERSION].product(%w[h2 http/1.1]) do |version, protocol|
      it "of clients come with the result of their verification: TLS #{version.to_s(16)}, #{protocol}, resumed, too" do
        ca = TLS::Made.new("ca", authority: true)
        own, wrong = TLS::Made.new(by: ca), TLS::Made.new(by: TLS::Made.new("ca", authority: true))
        secure({ **TLS.made.given, client_ca: ca.cert_pem, verify: :optional }) do |server, log|
          ask = lambda do |client, session = nil|
            TLS.talk(server.port, version: version, protocol: protocol, own: client, session: session)
          rescue OpenSSL::SSL::SSLError, RawClient::Truncated, SystemCallError
            :refused
          end
          { own => ["SUCCESS", own.cert_pem], nil => ["NONE", nil] }.each do |client, expected|
            first = ask.call(client)
            again = ask.call(client, first.session)
            expect([first, again].map(&:is_resumed)).to eq([false, true])
            expect([first, again].map { |one| one.env.values_at("kino.peer_verification", "kino.peer_certificate") })
              .to all(eq(expected))
          end
          expect(ask.call(wrong)).to eq(:refused)
          log.wait_for(/a TLS handshake has failed.*\(client_ca, verify\)/)
          expect(server.stats[:tls_client_certificate]).to eq(1)
        end
      end
    end

    it "of clients have no result where nobody is asked for one" do
      secure(TLS.made.given) do |server|
        env = RawClient.open(server.url) { |client| Probes.read(client.get) }
        expect(env.keys.grep(/peer/)).to eq([])
      end
    end

    it "of clients are asked for where they are to be verified" do
      ca = TLS::Made.new("ca", authority: true)
      own, other = TLS::Made.new(by: ca), TLS::Made.new(by: TLS::Made.new("ca", authority: true))
      { "optional" => true, "required" => false }.each do |verify, goes_without|
        secure({ **TLS.made.given, client_ca: ca.cert_pem, verify: verify }) do |server, log|
          ask = lambda do |client|
            tls = TLS.connect(TCPSocket.new("127.0.0.1", server.port)) do |context|
              context.cert, context.key = client.certificate, client.key if client
            end
            RawClient.new(tls).then { |raw| Probes.read(raw.get).tap { raw.close } }
          rescue OpenSSL::SSL::SSLError, RawClient::Truncated, Errno::ECONNRESET, Errno::EPIPE
            :refused
          end
          env = ask.call(own)
          expect(env["kino.peer_certificate"]).to eq(own.cert_pem)
          expect(env["puma.peercert"]).to eq("OpenSSL::X509::Certificate #{own.certificate.serial}")
          expect(ask.call(other)).to eq(:refused)
          without = ask.call(nil)
          expect(goes_without ? without.key?("kino.peer_certificate") : without).to eq(goes_without ? false : :refused)
          log.wait_for(/a TLS handshake has failed.*\(client_ca, verify\)/)
        end
      end
    end
  end

  it "that can't be read, or do not fit, are refused with what was given and what to do" do
    require "kino"
    made = TLS.made.write(@folder)
    expect(refusal({ **made, cert: "/none.pem" })).to match(/\Acert "\/none.pem" can't be read: .*; write the path/)
    expect(refusal({ **made, key: TLS::Made.new("a").key_pem })).to include("is not the key of cert")
    big = TLS::Made.new("a", key: OpenSSL::PKey::EC.generate("secp521r1"))
    expect(refusal(big.given)).to match(/is one of ECDSA P-521, which Kino can't use; give one of RSA .*: openssl ecp/)
    der = File.join(@folder, "app.der")
    File.binwrite(der, TLS.made.certificate.to_der)
    converts = ->(what, by) { /is a #{what} in DER; it has to be PEM: openssl #{by} -inform der/ }
    expect(refusal({ **made, cert: der })).to match(converts.call("certificate", "x509"))
    File.binwrite(der, TLS.made.key.private_to_der)
    expect(refusal({ **made, key: der })).to match(converts.call("key", "pkey"))
    expect(refusal([])).to include('write tls cert: "FILE", key: "FILE"')
    expect(refusal({ cert: TLS.made.cert_pem, key: TLS.made.key_pem("aes-256-cbc", "secret") }))
      .to include("write key_password_command")
  end
end
