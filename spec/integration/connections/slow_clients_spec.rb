# frozen_string_literal: true

RSpec.describe "A slow client" do
  each_mode do
    it "may send its request a byte at a time" do
      converse(Probes::Echo) do |client|
        client.socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
        RawClient.message("POST", "/", { "x-slow" => "yes" }, "hello").each_char { |byte| client.write(byte) }
        expect(client.read_response.body).to eq("hello")
      end
    end

    ["", "GET", "GET / HTTP/1.1\r\nhost: x\r\n", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf",
     "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nA\r\nhalf"].each do |part|
      it "that stops after #{part.inspect} holds no worker, and nor do fifty" do
        serve(shareable { ->(_) { [200, {}, ["quick"]] } }, workers: 1, threads: 1) do |server|
          slow = Array.new(50) { RawClient.open(server.url).write(part) }
          5.times { expect(RawClient.open(server.url) { |client| client.get.body }).to eq("quick") }
          slow.each(&:close)
        end
      end
    end

    it "may close its side after the request, and still gets the answer" do
      converse(Probes::Echo) do |client|
        client.write(RawClient.message("POST", "/", {}, "last words"))
        client.close_write
        expect([client.read_response.body, client.closed?]).to eq(["last words", true])
      end
    end

    it "may close its side while the app is at work" do
      entered, go_on = Channel.new, Channel.new
      app = shareable do
        lambda do |_|
          entered << true
          go_on.pop
          [200, {}, ["answer"]]
        end
      end
      converse(app) do |client|
        client.write(RawClient.message("GET", "/"))
        take(entered)
        client.close_write
        go_on << true
        expect(client.read_response.body).to eq("answer")
      end
    end

    it "that leaves in the midst of its head or body is never seen by the app" do
      seen = Channel.new
      app = shareable do
        lambda do |env|
          seen << env["PATH_INFO"]
          [200, {}, []]
        end
      end
      serve(app, threads: 1) do |server|
        ["GET /half HTTP/1.1\r\nhost:", "POST /half HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc"].each do |part|
          RawClient.open(server.url).write(part).close
          RawClient.open(server.url).write(part).abort
        end
        RawClient.open(server.url) { |client| expect(client.get("/whole").status).to eq(200) }
      end
      expect([take(seen), seen.empty?]).to eq(["/whole", true])
    end

    it "that reads a large answer bit by bit gets all of it, though it takes longer than write_timeout" do
      content = Random.bytes(20_000_000).freeze
      converse(shareable { ->(_) { [200, {}, [content]] } }, write_timeout: 2) do |client|
        client.write(RawClient.message("GET", "/")).read_head
        got = Array.new(8) do
          sleep 0.4 # what makes it slow; each pause is well within the timeout
          client.read(2_500_000)
        end
        expect(got.join == content).to be(true)
      end
    end

    bodies = shareable do
      { "an Array" => ->(content) { [content] }, "each" => ->(content) { Bodies::Each.new(content) },
        "call" => ->(content) { Bodies::Called.new(content) } }
    end
    bodies.each do |kind, body|
      it "that reads no more for write_timeout is let go, with #{kind}" do
        content = ("x" * 30_000_000).freeze
        app = shareable do
          ->(env) { env["PATH_INFO"] == "/large" ? [200, {}, body.call(content)] : [200, {}, ["quick"]] }
        end
        serve(app, workers: 1, threads: 1, write_timeout: 1) do |server|
          slow = RawClient.open(server.url).write(RawClient.message("GET", "/large"))
          slow.read_head
          eventually("its connection is closed") { server.stats[:connections].zero? }
          expect(slow.read_to_end.bytesize).to be < content.bytesize
          expect(RawClient.open(server.url) { |client| client.get.body }).to eq("quick")
        end
      end
    end

    it "that does not read a large answer holds no worker" do
      content = Random.bytes(20_000_000).freeze
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"] == "/large" ? content : "quick"]] } }
      serve(app, workers: 1, threads: 1) do |server|
        slow = RawClient.open(server.url).write(RawClient.message("GET", "/large"))
        slow.read_head
        5.times { expect(RawClient.open(server.url) { |client| client.get.body }).to eq("quick") }
        expect(slow.read(content.bytesize) == content).to be(true)
        expect(slow.get.body).to eq("quick")
        slow.close
      end
    end

    it "that leaves a large answer unread loses nothing but its own" do
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"] == "/large" ? "x" * 20_000_000 : "quick"]] } }
      serve(app, workers: 1, threads: 1) do |server|
        5.times { RawClient.open(server.url).write(RawClient.message("GET", "/large")).tap(&:read_head).abort }
        expect(RawClient.open(server.url) { |client| client.get.body }).to eq("quick")
      end
    end
  end
end
