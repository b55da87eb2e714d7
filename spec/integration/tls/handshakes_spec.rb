# frozen_string_literal: true

require "tmpdir"
require "support/control_socket"
require "support/others_tools"

RSpec.describe "A TLS handshake" do
  include ControlSocket
  include OthersTools

  def secure(app = Probes::Env, bind: ["ssl://127.0.0.1:0"], tls: TLS.made.given, **settings, &)
    serve(app, bind: bind, tls: tls, handshake_timeout: Eventually::DEADLINE, **settings, &)
  end

  # What who has signed a certificate says of it, in DER.
  def ocsp(made, signer, status)
    basic = OpenSSL::OCSP::BasicResponse.new
    id = OpenSSL::OCSP::CertificateId.new(made.certificate, signer.certificate)
    basic.add_status(id, status, 0, (-60 if status == OpenSSL::OCSP::V_CERTSTATUS_REVOKED), -60, 3600, [])
    basic.sign(signer.certificate, signer.key)
    OpenSSL::OCSP::Response.create(OpenSSL::OCSP::RESPONSE_STATUS_SUCCESSFUL, basic).to_der
  end

  def plainly(server) = RawClient.new(TCPSocket.new("127.0.0.1", server.port))

  each_mode do
    it "is not what plain HTTP is, which is told so" do
      secure do |server, log|
        client = plainly(server)
        answer = client.get
        expect([answer.status, answer["connection"]]).to eq([400, "close"])
        expect(answer.body).to eq("this port speaks TLS: ask it by https://\n")
        expect(client.closed?).to be(true)
        eventually("it is counted") { server.stats[:tls_plain] == 1 }
        log.wait_for(/answered with 400: this port speaks TLS/)
      end
    end

    it "is not what plain HTTP is in small letters, or after an empty line" do
      secure do |server, log|
        log.allow
        ["get / HTTP/1.1\r\n\r\n", "\r\nGET / HTTP/1.1\r\n\r\n"].each do |request|
          client = plainly(server)
          expect(client.write(request).read_response.body).to start_with("this port speaks TLS")
        end
      end
    end

    it "ends for those who say something else, or nothing in time, or leave" do
      secure do |server|
        other = plainly(server)
        other.write("\x05\x01\x00")
        expect(other.closed?).to be(true)
        gone = plainly(server)
        gone.write("\x16\x03\x01\x02\x00\x01")
        gone.close
        eventually("both are counted") { server.stats.values_at(:tls_plain, :tls_left) == [1, 1] }
      end
      secure(handshake_timeout: 0.2) do |server|
        client = plainly(server)
        client.write("\x16\x03\x01")
        expect(client.closed?).to be(true)
        eventually("it is counted") { server.stats[:handshake_timeout] == 1 }
      end
    end

    it "is refused where there is no version in common" do
      secure(tls: { **TLS.made.given, min_version: "1.3" }) do |server, log|
        old = -> { TLS.connect(TCPSocket.new("127.0.0.1", server.port)) { |context| context.max_version = "TLS1_2" } }
        expect(&old).to raise_error(OpenSSL::SSL::SSLError, /protocol version|handshake failure/)
        eventually("it is counted") { server.stats[:tls_version] == 1 }
        log.wait_for(/a TLS handshake has failed.*\(min_version\)/)
        RawClient.open(server.url) { |client| expect(client.get.status).to eq(200) }
      end
    end

    it "is refused where there is no protocol in common, or no kind of signature, each by its own name" do
      secure do |server, log|
        other = lambda do
          TLS.connect(TCPSocket.new("127.0.0.1", server.port)) { |context| context.alpn_protocols = %w[spdy/3] }
        end
        expect(&other).to raise_error(OpenSSL::SSL::SSLError, /no application protocol/)
        eventually("it is counted") { server.stats[:tls_protocol] == 1 }
        log.wait_for(/a TLS handshake has failed.*\(http2, and the client's own ALPN\)/)

        # The certificate is of ECDSA.
        system("openssl", "s_client", "-connect", "127.0.0.1:#{server.port}", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256",
               in: File::NULL, out: File::NULL, err: File::NULL)
        eventually("it is counted") { server.stats[:tls_signature] == 1 }
        log.wait_for(/a TLS handshake has failed.*\(cert and key are of a kind that it does not know\)/)
        expect(server.stats.values_at(:tls_version, :tls_incompatible)).to eq([0, 0])
      end
    end

    it "may be ended by a client that does not believe the certificate" do
      secure do |server|
        strict = lambda do
          TLS.connect(TCPSocket.new("127.0.0.1", server.port)) do |context|
            context.verify_mode = OpenSSL::SSL::VERIFY_PEER
          end
        end
        expect(&strict).to raise_error(OpenSSL::SSL::SSLError, /certificate verify failed/)
        eventually("it is counted") { server.stats[:tls_alert] == 1 }
      end
    end

    it "is told of at the control socket, and when the certificate ends" do
      secure(control: control, lint: false) do |server|
        RawClient.open(server.url, &:get)
        plainly(server).tap { |client| client.write("\x05\x01\x00") }.closed?
        expected = ["kino_tls_handshakes_total 1", "kino_tls_handshake_failures_total{cause=\"plain\"} 1",
                    "kino_tls_certificate_expires_seconds #{TLS.made.certificate.not_after.to_i}"]
        eventually("they are told") { (expected - control_get("/metrics").body.lines(chomp: true)).empty? }
        expect(control_json("/stats")["sum"]["counters"])
          .to include("tls_certificate_expires" => TLS.made.certificate.not_after.to_i)
      end
    end

    it "has what a certificate's signer says of it, as it lies in a file, for clients that ask (OCSP)" do
      ca = TLS::Made.new("ca", authority: true)
      made = TLS::Made.new("localhost", by: ca)
      Dir.mktmpdir("kino") do |folder|
        path = File.join(folder, "app.ocsp")
        File.binwrite(path, ocsp(made, ca, OpenSSL::OCSP::V_CERTSTATUS_GOOD))
        secure(tls: { **made.given, ocsp: path }) do |server, log|
          told = lambda do |version|
            said = ask_by("openssl", "s_client", "-connect", "127.0.0.1:#{server.port}", "-servername", "localhost",
                          "-status", version)
            said[/Cert Status: (\w+)/, 1]
          end
          expect(%w[-tls1_2 -tls1_3].map(&told)).to eq(%w[good good])
          File.binwrite("#{path}.new", ocsp(made, ca, OpenSSL::OCSP::V_CERTSTATUS_REVOKED))
          File.rename("#{path}.new", path)
          eventually("it is read again") { told.call("-tls1_3") == "revoked" }
          log.allow
        end
      end
    end

    it "can have nothing weak in it, as a scanner sees it" do
      secure do |server, log|
        said = ask_by("sslscan", "--no-colour", "127.0.0.1:#{server.port}")
        expect(said.scan(/^(\w+v[\d.]+) +enabled/).flatten).to eq(%w[TLSv1.2 TLSv1.3])
        ciphers = said.scan(/^(?:Preferred|Accepted) +\S+ +(\d+) bits +(\S+)/)
        expect(ciphers).not_to be_empty
        expect(ciphers).to all(satisfy { |bits, name| Integer(bits) >= 128 && name.match?(/GCM|CHACHA20/) })
        expect(said).to include("Session renegotiation not supported", "Compression disabled")
        expect(said.scan(/vulnerable to heartbleed/).size).to eq(said.scan(/not vulnerable to heartbleed/).size)
        log.allow
      end
    end

    it "holds nobody up that is slow, however many there are" do
      secure do |server|
        slow = Array.new(100) { plainly(server).tap { |client| client.write("\x16\x03\x01\x02\x00\x01") } }
        RawClient.open(server.url) { |client| expect(client.get.status).to eq(200) }
        slow.each(&:close)
      end
    end

    it "ends by a stop, which waits for none" do
      client = nil
      secure do |server|
        client = plainly(server)
        client.write("\x16\x03\x01")
        eventually("it is there") { server.stats[:connections] == 1 }
      end
      expect(client.closed?).to be(true)
    end
  end
end
