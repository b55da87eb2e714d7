# frozen_string_literal: true

RSpec.describe "A body that the app reads while it arrives (stream_bodies)" do
  each_mode do
    let(:head) { "POST / HTTP/1.1\r\nhost: x\r\n" }
    let(:chunked) { "#{head}transfer-encoding: chunked\r\n\r\n" }

    # Two threads in all: one may wait for a client.
    def stream(app, **settings, &) = converse(app, stream_bodies: true, workers: 1, threads: 2, **settings, &)

    # Says in order what the app has read, as it reads it.
    def reader(how)
      read = Channel.new
      app = shareable do
        lambda do |env|
          input = env["rack.input"]
          while (part = how.call(input))
            read << part
          end
          [200, {}, ["#{input.eof?} #{env["kino.trailers"].inspect} #{env["CONTENT_LENGTH"].inspect}"]]
        end
      end
      [app, read]
    end

    it "is handed over with its head, and read part by part" do
      app, read = reader(shareable { ->(input) { input.readpartial(3) unless input.eof? } })
      stream(app, lint: false) do |client|
        client.write(chunked).write("5\r\nab")
        expect(take(read)).to eq("ab")
        client.write("cde\r\n")
        expect([take(read), read_rest(client, read)]).to eq(["cde", []])
      end
    end

    def read_rest(client, read)
      response = client.write("0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n").read_response
      expect(response.body).to eq(%(true #{{ "x-sum" => "1, 2" }.inspect} nil))
      rest = []
      rest << take(read) until read.empty?
      rest
    end

    it "has lines that end when the client says so" do
      app, read = reader(shareable { ->(input) { input.gets } })
      stream(app, lint: false) do |client|
        client.write("#{head}content-length: 11\r\n\r\none\nt")
        expect(take(read)).to eq("one\n")
        client.write("wo\nend")
        expect([take(read), take(read)]).to eq(["two\n", "end"])
        expect(client.read_response.body).to eq(%(true nil "11"))
      end
    end

    it "reads as Rack's SPEC asks" do
      app = shareable do
        lambda do |env|
          input = env["rack.input"]
          buffer = +"old"
          found = [input.read(0), input.read(2), input.read(3, buffer), buffer.dup, input.gets, input.each.to_a,
                   input.read, input.read(1), input.gets]
          [200, {}, [found.inspect]]
        end
      end
      stream(app, lint: false) do |client|
        response = client.post("/", "abcde\nf\ng")
        expect(response.body).to eq(["", "ab", "cde", "cde", "\n", %W[f\n g], "", nil, nil].inspect)
      end
    end

    it "passes Rack::Lint, and leaves the connection to the next request" do
      stream(Probes::Echo) do |client|
        body = Random.bytes(300_000)
        expect(client.post("/", body).body == body).to be(true)
        expect(client.post("/", "next").body).to eq("next")
      end
    end

    it "is for the paths that are named, and others are complete when the app sees them" do
      app = shareable { ->(env) { [200, {}, [env["rack.input"].class.name]] } }
      stream(app, stream_bodies: ["/up"], lint: false) do |client|
        expect(client.post("/upload", "x").body).to eq("Kino::StreamedInput")
        expect(client.post("/other", "x").body).to eq("StringIO")
        expect(client.post("http://h/upload?q", "x").body).to eq("Kino::StreamedInput")
      end
    end

    it "holds half of the threads at most: past that, bodies are waited for" do
      not_of_processes "another has threads of its own for the second body"
      app = shareable { ->(env) { [200, {}, [env["rack.input"].class.name + env["rack.input"].read]] } }
      stream(app, lint: false) do |client, server|
        client.write("#{head}content-length: 3\r\n\r\na")
        eventually("the first is handed over") { server.stats[:running] == 1 }
        RawClient.open(server.url) do |other|
          other.write("#{head}content-length: 3\r\n\r\nd")
          expect(RawClient.open(server.url) { |third| third.get("/").status }).to eq(200)
          expect(other.write("ef").read_response.body).to eq("StringIOdef")
        end
        expect(client.write("bc").read_response.body).to eq("Kino::StreamedInputabc")
      end
    end

    it "that is not read is read away when it is there, and otherwise ends the connection" do
      app = shareable { ->(_) { [403, {}, ["no"]] } }
      stream(app) do |client|
        expect(client.post("/", "x" * 1000).status).to eq(403)
        expect(client.post("/", "x").status).to eq(403)
        response = client.write("#{head}content-length: 100000\r\n\r\nx").read_response
        expect([response.status, response["connection"]]).to eq([403, "close"])
        expect(client).to be_closed
      end
    end

    it "that stops coming raises Kino::ClientTimeout, and is answered with 408" do
      stream(Probes::Echo, body_timeout: 0.2) do |client, server|
        response = client.write("#{head}content-length: 3\r\n\r\na").read_response
        expect([response.status, response["connection"]]).to eq([408, "close"])
        expect(client).to be_closed
        expect(server.stats).to include(body_timeout: 1, timed_out: 1)
      end
    end

    it "past max_body_size raises Kino::BodyTooLargeError, and is answered with 413" do
      stream(Probes::Echo, max_body_size: 5) do |client, server, log|
        response = client.write("#{chunked}6\r\nabcdef\r\n").read_response
        expect([response.status, response["connection"]]).to eq([413, "close"])
        expect(server.stats[:max_body_size]).to eq(1)
        log.wait_for(/answered with 413: .*\(max_body_size\)/)
      end
    end

    it "that is not well formed raises Kino::MalformedBodyError, and is answered with 400" do
      stream(Probes::Echo) do |client, server, log|
        response = client.write("#{chunked}x\r\n").read_response
        expect([response.status, response["connection"], server.stats[:malformed]]).to eq([400, "close", 1])
        log.wait_for(/answered with 400: a chunk's size is missing/)
      end
    end

    it "whose client leaves raises Kino::ClientDisconnected, and costs no worker" do
      failed = Channel.new
      app = shareable do
        lambda do |env|
          env["rack.input"].read
          [200, {}, ["read"]]
        rescue Kino::ClientDisconnected => error
          failed << error.class.name
          raise
        end
      end
      stream(app, lint: false) do |client, server|
        client.write("#{head}content-length: 3\r\n\r\na").close
        expect(take(failed)).to eq("Kino::ClientDisconnected")
        expect(RawClient.open(server.url) { |other| other.post("/", "abc").body }).to eq("read")
      end
    end

    it "can't be read any more when its request is over" do
      kept = Channel.new
      app = shareable do
        lambda do |env|
          Thread.current[:kept] ||= env["rack.input"]
          error = begin
            Thread.current[:kept].read
          rescue IOError => raised
            raised.message
          end
          kept << error
          [200, {}, ["ok"]]
        end
      end
      stream(app, threads: 2, lint: false) do |client|
        seen = Array.new(6) do |n|
          client.post("/", "body#{n}")
          take(kept)
        end
        expect(seen.grep(/\Abody/).size).to be_between(1, 2)
        expect(seen - seen.grep(/\Abody/)).to all(eq("the request is over: its body can't be read any more").or(eq("")))
      end
    end
  end
end

RSpec.describe "Expect: 100-continue, where bodies are streamed (stream_bodies)" do
  each_mode do
    let(:expecting) { "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n" }

    it "has its 100 when the app first reads" do
      asked = Channel.new
      app = shareable do
        lambda do |env|
          asked << env["rack.input"].class.name
          [200, {}, [env["rack.input"].read]]
        end
      end
      converse(app, stream_bodies: true, threads: 2, lint: false) do |client|
        client.write(expecting)
        expect(take(asked)).to eq("Kino::StreamedInput")
        expect(client.read_response.status).to eq(100)
        expect(client.write("abc").read_response.body).to eq("abc")
        expect(client.get("/").status).to eq(200)
      end
    end

    it "has it from the engine where its path is not streamed" do
      app = shareable { ->(env) { [200, {}, [env["rack.input"].class.name + env["rack.input"].read]] } }
      converse(app, stream_bodies: ["/up"], threads: 2, lint: false) do |client|
        expect(client.write(expecting).read_response.status).to eq(100)
        expect(client.write("abc").read_response.body).to eq("StringIOabc")
      end
    end

    it "has none when its body has come before the app reads" do
      app, go_on = waiting
      converse(app, stream_bodies: true, threads: 2, lint: false) do |client, server|
        client.write(expecting)
        eventually("it is handed over") { server.stats[:running] == 1 }
        client.write("abc")
        go_on << true
        expect(client.read_response.then { |response| [response.status, response.body] }).to eq([200, "abc"])
      end
    end

    # An app that reads when it is told to.
    def waiting
      go_on = Channel.new
      app = shareable do
        lambda do |env|
          go_on.pop
          [200, {}, [env["rack.input"].read]]
        end
      end
      [app, go_on]
    end

    it "has none when the app refuses unread, and the connection ends" do
      app = shareable { ->(_) { [401, {}, ["no"]] } }
      converse(app, stream_bodies: true, threads: 2) do |client|
        response = client.write(expecting).read_response
        expect([response.status, response["connection"]]).to eq([401, "close"])
        expect(client).to be_closed
      end
    end
  end
end
