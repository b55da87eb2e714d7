# frozen_string_literal: true

RSpec.describe "rack.protocol" do
  each_mode do
    # What the app is told that the client would go on with.
    def offered(headers, message = RawClient.message("GET", "/", headers))
      app = shareable { ->(env) { Probes.answer([env["rack.protocol"], env["HTTP_UPGRADE"]]) } }
      converse(app) { |client| Probes.read(client.write(message).read_response) }
    end

    # An app that goes on with the protocol, if there is one; the block makes its body.
    def upgrading(status, protocol, &use)
      body = shareable(&use)
      shareable { ->(_) { [status, { "rack.protocol" => protocol }, body] } }
    end

    let(:asks) { { "connection" => "upgrade", "upgrade" => "echo, shout" } }
    let(:echo) do
      shareable do
        lambda do |io|
          io.write(io.read(7))
          io.close
        end
      end
    end

    it "has what the client would go on with" do
      expect(offered("connection" => "keep-alive, Upgrade", "upgrade" => "websocket"))
        .to eq([["websocket"], "websocket"])
      expect(offered("connection" => "upgrade", "upgrade" => "a/1 , b")).to eq([["a/1", "b"], "a/1 , b"])
    end

    it "is not there for a client that does not ask, or does not mean it" do
      expect(offered({})).to eq([nil, nil])
      expect(offered("upgrade" => "websocket")).to eq([nil, "websocket"])
      old = "GET / HTTP/1.0\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
      expect(offered({}, old)).to eq([nil, "websocket"])
    end

    [101, 200].each do |status|
      it "answered with #{status} changes to it, and gives the body the socket" do
        use = echo
        converse(upgrading(status, "echo") { use }) do |client, server|
          client.write("#{RawClient.message("GET", "/", asks)}a line\n")
          _, got, reason, fields = client.read_head
          expect([got, reason]).to eq([101, "Switching Protocols"])
          expect(fields.to_h).to include("upgrade" => "echo", "connection" => "upgrade", "date" => String)
          expect(fields.to_h.keys & %w[content-length transfer-encoding rack.protocol]).to eq([])
          expect(client.read_to_end).to eq("a line\n")
          expect(server.stats[:hijacked]).to eq(1)
        end
      end
    end

    it "may be written as a 101 with the protocol's own headers" do
      use = echo
      app = shareable { ->(_) { [101, { "upgrade" => "echo", "connection" => "upgrade" }, use] } }
      converse(app) do |client|
        client.write("#{RawClient.message("GET", "/", asks)}a line\n")
        _, _, _, fields = client.read_head
        expect(fields.to_h).to include("upgrade" => "echo", "connection" => "upgrade")
        expect(client.read_to_end).to eq("a line\n")
      end
    end

    it "must be one that the client has asked for" do
      use = echo
      converse(upgrading(101, "other") { use }, lint: false) do |client, _, log|
        expect(client.get("/", asks).status).to eq(500)
        log.wait_for(/rack.protocol is "other"; allowed is one that the client has asked for: \["echo", "shout"\]/)
      end
    end
  end
end
