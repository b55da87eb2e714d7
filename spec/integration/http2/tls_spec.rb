# frozen_string_literal: true

require "open3"
require "tmpdir"
require_relative "../../support/http2_client"

RSpec.describe "HTTP/2 over TLS" do
  def secure(app = Probes::Env, **settings, &)
    serve(app, bind: ["ssl://127.0.0.1:0"], tls: TLS.made.given, handshake_timeout: Eventually::DEADLINE, **settings, &)
  end

  # A client that offers these protocols in its handshake; what was agreed on, too.
  def offering(server, *protocols)
    socket = TLS.connect(RawClient.connect(server.url.sub("https", "http"))) do |context|
      context.alpn_protocols = protocols
    end
    raw = RawClient.new(socket)
    yield raw, socket.alpn_protocol
  ensure
    raw&.close
  end

  each_mode do
    it "is spoken where the client asks for it in the handshake, without being asked for" do
      secure do |server|
        offering(server, "h2", "http/1.1") do |raw, agreed|
          expect(agreed).to eq("h2")
          client = Http2Client.new(raw)
          env = Probes.read(client.get(1, "/a?b=c"))
          expect(env).to include("SERVER_PROTOCOL" => "HTTP/2", "rack.url_scheme" => "https", "HTTPS" => "on",
                                 "PATH_INFO" => "/a", "SERVER_PORT" => "443")
          expect([3, 5].map { |stream| client.get(stream).status }).to eq([200, 200])
        end
        expect(server.stats).to include(http2_connections: 1, tls_handshakes: 1)
      end
    end

    it "is not for clients that offer HTTP/1.1 alone, or nothing" do
      secure do |server|
        offering(server, "http/1.1") do |raw, agreed|
          expect([agreed, raw.get.status]).to eq(["http/1.1", 200])
        end
        RawClient.open(server.url) { |client| expect(client.get.status).to eq(200) }
      end
    end

    it "is not offered where it is off" do
      secure(http2: false) do |server|
        offering(server, "h2", "http/1.1") do |raw, agreed|
          expect([agreed, raw.get.status]).to eq(["http/1.1", 200])
        end
      end
    end

    it "takes and gives megabytes, several at a time" do
      app = shareable { ->(_) { [200, {}, ["a" * 1_000_000, "b" * 1_000_000]] } }
      secure(app, lint: false) do |server|
        offering(server, "h2") do |raw, _|
          client = Http2Client.new(raw)
          [1, 3, 5].each { |stream| client.request(stream, "GET", "/") }
          [1, 3, 5].each do |stream|
            expect(client.answer(stream).body == "a" * 1_000_000 + "b" * 1_000_000).to be(true)
          end
        end
      end
      secure(Probes::Echo, lint: false) do |server|
        offering(server, "h2") do |raw, _|
          client = Http2Client.new(raw)
          bodies = [1, 3].to_h { |stream| [stream, Random.new(stream).bytes(30_000)] }
          bodies.each { |stream, body| client.request(stream, "POST", "/", {}, body) }
          expect(bodies.map { |stream, body| client.answer(stream).body == body }).to eq([true, true])
        end
      end
    end

    it "ends with GOAWAY when the server stops, and loses no answer" do
      secure(Probes::Env) do |server|
        offering(server, "h2") do |raw, _|
          client = Http2Client.new(raw)
          expect(client.get(1).status).to eq(200)
          server.stop
          expect(client.next_frame(:goaway).code).to eq(0)
          expect(client.closed?).to be(true)
        end
      end
    end
  end

  describe "with curl" do
    let(:mode) { :threaded }

    it "is what it chooses" do
      skip "there is no curl here that speaks it" unless `curl --version 2>&1`.include?("HTTP2")

      secure do |server|
        out, status = Open3.capture2("curl", "-sk", "-o", File::NULL, "-w", "%{http_version} %{http_code}", server.url)
        expect([out, status.success?]).to eq(["2 200", true])
      end
    rescue Errno::ENOENT
      skip "there is no curl here"
    end
  end
end
