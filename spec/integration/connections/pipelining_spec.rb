# frozen_string_literal: true

RSpec.describe "Pipelined requests" do
  each_mode do
    let(:path) { shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } } }

    it "are answered in order: 50 in one write" do
      converse(path, threads: 5) do |client|
        client.write(Array.new(50) { |n| RawClient.message("GET", "/#{n}") }.join)
        expect(Array.new(50) { client.read_response.body }).to eq(Array.new(50) { |n| "/#{n}" })
      end
    end

    it "are answered in order when the first takes longest" do
      go_on = Channel.new
      app = shareable do
        lambda do |env|
          go_on.pop if env["PATH_INFO"] == "/0"
          [200, {}, [env["PATH_INFO"]]]
        end
      end
      serve(app, threads: 5) do |server|
        RawClient.open(server.url) do |client|
          client.write(Array.new(5) { |n| RawClient.message("GET", "/#{n}") }.join)
          RawClient.open(server.url) { |other| expect(other.get("/other").status).to eq(200) }
          go_on << true
          expect(Array.new(5) { client.read_response.body }).to eq(%w[/0 /1 /2 /3 /4])
        end
      end
    end

    it "of every kind keep their bodies apart" do
      app = shareable do
        lambda do |env|
          body = env["rack.input"].read
          env["PATH_INFO"] == "/chunks" ? [200, {}, Bodies::Each.new("chunked ", body)] : [200, {}, [body]]
        end
      end
      requests = [
        ["POST", RawClient.message("POST", "/", {}, "one")],
        ["HEAD", RawClient.message("HEAD", "/")],
        ["POST", "POST /chunks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"],
        ["GET", RawClient.message("GET", "/")],
        ["POST", RawClient.message("POST", "/", {}, "three" * 20_000)],
        ["POST", RawClient.message("POST", "/", {}, "last")]
      ]
      converse(app) do |client|
        client.write(requests.map(&:last).join)
        expect(requests.map { |method,| client.read_response(to: method).body })
          .to eq(["one", "", "chunked two", "", "three" * 20_000, "last"])
      end
    end

    it "after one that closes the connection are not served" do
      served = Channel.new
      app = shareable do
        lambda do |env|
          served << env["PATH_INFO"]
          [200, {}, [env["PATH_INFO"]]]
        end
      end
      converse(app) do |client|
        client.write(RawClient.message("GET", "/1") + RawClient.message("GET", "/2", { "connection" => "close" }) +
                     RawClient.message("GET", "/3"))
        expect(client.read_response.body).to eq("/1")
        expect(client.read_response.body).to eq("/2")
        expect(client).to be_closed
      end
      expect([take(served), take(served), served.empty?]).to eq(["/1", "/2", true])
    end

    it "may be more than the client reads for a while" do
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"].ljust(1_000, "x")]] } }
      converse(app) do |client|
        writer = Thread.new { 20.times { |n| client.write(RawClient.message("GET", "/#{n}") * 500) } }
        20.times do |n|
          500.times { expect(client.read_response.body).to start_with("/#{n}x") }
        end
        writer.join
      end
    end

    it "may be cut anywhere between packets" do
      stream = RawClient.message("POST", "/a", {}, "one") + RawClient.message("GET", "/b") +
               "POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3;e\r\ntwo\r\n0\r\nt: x\r\n\r\n"
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"], env["rack.input"].read]] } }
      serve(app) do |server|
        (1...stream.bytesize).step(3) do |cut|
          RawClient.open(server.url) do |client|
            client.socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
            client.write(stream.byteslice(0, cut)).write(stream.byteslice(cut..))
            expect(Array.new(3) { client.read_response.body }).to eq(%w[/aone /b /ctwo])
          end
        end
      end
    end
  end
end
