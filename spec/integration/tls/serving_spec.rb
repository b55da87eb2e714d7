# frozen_string_literal: true

require "kino"
require "tmpdir"

RSpec.describe "A server at an address where TLS is spoken" do
  around { |example| Dir.mktmpdir("kino") { |folder| @folder = folder and example.run } }

  def secure(app = Probes::Env, bind: ["ssl://127.0.0.1:0"], tls: TLS.made.given, **settings, &)
    serve(app, bind: bind, tls: tls, handshake_timeout: Eventually::DEADLINE, **settings, &)
  end

  each_mode do
    it "serves with the files that its address names, and says where" do
      files = TLS.made.write(@folder)
      query = files.map { |pair| pair.join("=") }.join("&")
      secure(bind: ["ssl://127.0.0.1:0?#{query}"], tls: []) do |server|
        expect(server.url).to match(%r{\Ahttps://127\.0\.0\.1:\d+\z})
        RawClient.open(server.url) { |client| expect([client.get.status, client.get.status]).to eq([200, 200]) }
        eventually("both are counted") { server.stats[:answered] == 2 }
        expect(server.stats).to include(tls_handshakes: 1, tls_resumed: 0)
      end
    end

    it "tells the app so" do
      secure do |server|
        env = RawClient.open(server.url) { |client| Probes.read(client.get("/", "host" => "example.org")) }
        expect(env).to include("rack.url_scheme" => "https", "HTTPS" => "on", "SERVER_PORT" => "443",
                               "SERVER_NAME" => "example.org", "REMOTE_ADDR" => "127.0.0.1")
        env = RawClient.open(server.url) { |client| Probes.read(client.get("/", "host" => "example.org:8443")) }
        expect(env).to include("SERVER_PORT" => "8443")
      end
    end

    it "believes a trusted proxy that says otherwise, and nobody else" do
      told = { "x-forwarded-proto" => "http", "host" => "example.org" }
      secure do |server|
        env = RawClient.open(server.url) { |client| Probes.read(client.get("/", told)) }
        expect(env).to include("rack.url_scheme" => "http", "SERVER_PORT" => "80")
        expect(env).not_to include("HTTPS")
      end
      secure(trusted_proxies: []) do |server|
        env = RawClient.open(server.url) { |client| Probes.read(client.get("/", told)) }
        expect(env).to include("rack.url_scheme" => "https", "HTTPS" => "on", "SERVER_PORT" => "443")
      end
    end

    it "serves plainly elsewhere at the same time" do
      secure(bind: ["ssl://127.0.0.1:0", "unix://#{@folder}/app.sock"]) do |server|
        schemes = server.urls.map { |url| RawClient.open(url) { |client| Probes.read(client.get)["rack.url_scheme"] } }
        expect(schemes).to eq(%w[https http])
      end
    end

    it "is not started where clients are to be verified, and it is spoken nowhere" do
      tls = { client_ca: TLS.made.cert_pem, verify: :required }
      expect { secure(bind: ["tcp://127.0.0.1:0"], tls: tls) { raise "it serves" } }
        .to raise_error(Kino::ConfigurationError, /\Atls: given verify: :required, and no address begins with ssl:/)
      secure(bind: ["tcp://127.0.0.1:0"], tls: { **tls, verify: :optional }) do |server|
        expect(RawClient.open(server.url, &:get).status).to eq(200)
      end
    end

    it "takes and gives megabytes, from memory and from files" do
      body = Random.new(1).bytes(3_000_000)
      File.binwrite(path = File.join(@folder, "file"), body)
      secure(Probes::Echo, lint: false) do |server|
        RawClient.open(server.url) do |client|
          expect(client.post("/", body).body == body).to be(true)
          expect(client.post("/", body[0, 5]).body).to eq(body[0, 5])
        end
      end
      file = Ractor.make_shareable(Bodies::Filed.new(path))
      app = shareable { ->(_) { [200, {}, file] } }
      secure(app, lint: false) do |server|
        RawClient.open(server.url) { |client| expect(client.get.body == body).to be(true) }
      end
    end

    it "is spoken to behind a PROXY header" do
      secure(bind: ["ssl://127.0.0.1:0?proxy=true"]) do |server|
        socket = TCPSocket.new("127.0.0.1", server.port)
        socket.write("PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n")
        client = RawClient.new(TLS.connect(socket))
        expect(Probes.read(client.get)).to include("REMOTE_ADDR" => "192.0.2.7", "rack.url_scheme" => "https")
        client.close
      end
    end

    it "says its last word when it ends a connection, and when it stops" do
      secure do |server|
        client = RawClient.open(server.url)
        expect(client.get("/", "connection" => "close").status).to eq(200)
        expect(client.socket.sysread(1)).to be_nil
      rescue EOFError
        client.close
      end
    end

    it "goes on with an earlier session in any process" do
      secure do |server|
        session = nil
        resumed = Array.new(6) do
          tls = TLS.connect(TCPSocket.new("127.0.0.1", server.port)) do |context|
            context.max_version = OpenSSL::SSL::TLS1_2_VERSION
            context.session_cache_mode = OpenSSL::SSL::SSLContext::SESSION_CACHE_CLIENT
          end
          tls.close
          again = TLS.resume(TCPSocket.new("127.0.0.1", server.port), session || tls.session)
          session = again.session
          again.session_reused?.tap { again.close }
        end
        expect(resumed).to all(be(true))
      end
    end
  end
end
