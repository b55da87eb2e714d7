# frozen_string_literal: true

RSpec.describe "An extended CONNECT" do
  # The three ways of an app to take the stream, each with what it then does with it.
  def taking(way, status: 101, **fields, &use)
    work, code = shareable(&use), status
    given = { "rack.protocol" => "echo", **fields }.freeze
    case way
    when :full
      shareable do
        lambda do |env|
          io = env["rack.hijack"].call
          io.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nx-way: full\r\n\r\n")
          work.call(io)
          [200, {}, []]
        end
      end
    when :partial then shareable { ->(_) { [code, { "x-way" => "partial", "rack.hijack" => work }, []] } }
    else shareable { ->(_) { [code, given, work] } }
    end
  end

  # Says back what it is told until that ends, and then that it has.
  let(:echo) do
    shareable do
      lambda do |io|
        while (bytes = io.readpartial(65_536))
          io.write(bytes)
        end
      rescue EOFError, Errno::ECONNRESET
        begin
          io.write("end")
        rescue Errno::EPIPE
          nil # the client has left
        end
        io.close
      end
    end
  end

  def echoing(way, **)
    use = echo
    taking(way, **) { use }
  end

  # A client that has been granted a tunnel on stream 1.
  def tunnel(app, **)
    speak(app, lint: false, **) do |client, server, log|
      client.connect(1, "echo")
      frame, fields = client.read_head(1)
      yield client, server, log, fields.to_h, frame
    end
  end

  each_mode do
    it "comes as the request of HTTP/1.1 that it stands for, with what it asks for in rack.protocol" do
      app = shareable do
        lambda do |env|
          names = %w[REQUEST_METHOD SERVER_PROTOCOL PATH_INFO rack.protocol HTTP_UPGRADE HTTP_CONNECTION HTTP_HOST
                     HTTP_SEC_WEBSOCKET_KEY HTTP_X_Y CONTENT_LENGTH rack.hijack?]
          [404, {}, [[*env.values_at(*names), env.key?("rack.hijack"), env["rack.input"].read].inspect]]
        end
      end
      speak(app) do |client|
        client.connect(1, "echo/2", "/a?b", { "x-y" => "z" })
        told = ["GET", "HTTP/2", "/a", ["echo/2"], "echo/2", "Upgrade", "localhost", nil, "z", nil, true, true, ""]
        expect(client.answer(1).body).to eq(told.inspect)
        client.connect(3, "websocket", "/", { "sec-websocket-key" => "of its own" })
        expect(client.answer(3).body).to include("dGhlIHNhbXBsZSBub25jZQ==").and(include('["websocket"]'))
      end
    end

    it "is said to be understood" do
      speak(Probes::Env) do |client|
        settings = client.await { |frame| frame.kind == :settings && frame.flags.zero? }.payload
        expect(settings.scan(/.{6}/mn).map { |one| one.unpack("nN") }).to include([8, 1])
      end
    end

    it "is not granted by an ordinary answer, whatever that is" do
      app = shareable { ->(env) { [Integer(env["PATH_INFO"][1..]), { "content-type" => "text/plain" }, ["hello"]] } }
      speak(app, lint: false) do |client|
        statuses = [200, 201, 302, 403].each_with_index.map do |status, at|
          stream = (2 * at) + 1
          client.connect(stream, "websocket", "/#{status}").data(stream, "too early", ends: false)
          answer = client.answer(stream)
          expect([answer.body, client.next_frame(:rst_stream, stream).code]).to eq(["hello", 0])
          answer.status
        end
        expect(statuses).to eq([501, 501, 302, 403])
        expect(client.get(101, "/200").status).to eq(200)
      end
    end

    it "is not for the health check" do
      speak(Probes::Env, lint: false, health_path: "/up") do |client|
        expect(client.connect(1, "websocket", "/up").answer(1).status).to eq(501)
      end
    end

    %i[full partial protocol].each do |way|
      context "whose stream is taken by #{way} hijack" do
        it "has bytes both ways, and ends when both have said so" do
          tunnel(echoing(way)) do |client, server, _, fields|
            expect(fields).to include(":status" => "200")
            expect(fields["x-way"]).to eq(way.to_s) unless way == :protocol
            expect(fields.keys & %w[upgrade connection rack.protocol content-length sec-websocket-accept]).to eq([])
            client.data(1, "hello", ends: false)
            expect(client.read_data(1, 5)).to eq("hello")
            eventually("it is counted") { server.stats.values_at(:hijacked, :tunnels) == [1, 1] }
            client.data(1, "bye")
            expect(client.read_data(1, 6)).to eq("byeend")
            expect(client.next_frame(:data, 1)).to be_ends
            eventually("it is over") { server.stats[:tunnels].zero? }
            expect(client.frames.select { |frame| frame.kind == :rst_stream }).to eq([])
          end
        end

        it "has what the client says before it is granted" do
          speak(echoing(way), lint: false) do |client|
            client.connect(1, "echo").data(1, "at once, ", ends: false).data(1, "and the end")
            expect(client.answer(1).body).to eq("at once, and the endend")
          end
        end
      end
    end

    it "may be granted with 200, with fields of the app's own, and by a body that is called alone" do
      tunnel(echoing(:protocol, status: 200, "rack.protocol" => nil, "x-a" => "b")) do |client, _, _, fields|
        expect(fields).to include(":status" => "200", "x-a" => "b", "date" => String)
        client.data(1, "hello")
        expect(client.read_data(1, 8)).to eq("helloend")
      end
    end

    it "is granted for no other protocol than was asked for" do
      speak(echoing(:protocol), lint: false) do |client, _, log|
        expect(client.connect(1, "other").answer(1).status).to eq(500)
        log.wait_for(/rack.protocol is "echo"; allowed is one that the client has asked for: \["other"\]/)
      end
    end

    it "gives a client of an app that takes the stream and says something else a 500, and says why" do
      use = shareable { ->(io) { io.close } }
      app = taking(:full) { use }
      speak(app, lint: false) do |client, _, log|
        expect(client.connect(1, "other").answer(1).status).to eq(500)
        log.wait_for(/its 101 does not change to the protocol that its client has asked for/)
        expect(client.connect(3, "echo").answer(3).status).to eq(200)
      end
    end

    it "is refused by an app that takes the stream and says so in HTTP/1.1" do
      app = shareable do
        lambda do |env|
          env["rack.hijack"].call.write("HTTP/1.1 403 Forbidden\r\nx-why: no\r\ncontent-length: 2\r\n\r\nno")
          [200, {}, []]
        end
      end
      speak(app, lint: false) do |client|
        answer = client.connect(1).answer(1)
        expect([answer.status, answer["x-why"], answer["content-length"]]).to eq([403, "no", nil])
      end
    end

    it "is over for the app when the client breaks it off" do
      told = Channel.new
      app = taking(:protocol) do
        lambda do |io|
          io.write("go")
          told << (io.read(1).nil? ? "ended" : "more")
        rescue SystemCallError
          told << "ended"
        end
      end
      tunnel(app) do |client, server|
        client.read_data(1, 2)
        client.frame(:rst_stream, 0, 1, [8].pack("N"))
        expect(take(told)).to eq("ended")
        eventually("it is over") { server.stats[:tunnels].zero? }
        expect(client.connect(3, "echo").read_head(3).last).to include(%w[:status 200])
        client.close
        expect(take(told)).to eq("ended")
      end
    end

    it "is broken off for the client when the app closes with something unread" do
      app = taking(:protocol) do
        lambda do |io|
          io.wait_readable
          io.close
        end
      end
      tunnel(app) do |client|
        client.data(1, "unread", ends: false)
        expect(client.next_frame(:rst_stream, 1).code).to eq(8)
      end
    end

    it "holds up neither others nor its app past what its windows allow" do
      app = taking(:protocol) do
        lambda do |io|
          io.write("x" * 3_000_000)
          io.close
        rescue Errno::EPIPE
          nil # one of those that leave unread
        end
      end
      tunnel(app, threads: 5) do |client|
        # Nothing is read of it yet. What others say is not either, and must not use up the connection's window.
        client.frame(:window_update, 0, 0, [1_000_000].pack("N"))
        others = [3, 5, 7].map { |stream| client.connect(stream, "echo").read_head(stream).last.first }
        expect(others).to eq([%w[:status 200]] * 3)
        expect(client.read_data(1, 3_000_000)).to eq("x" * 3_000_000)
        expect(client.next_frame(:data, 1)).to be_ends
      end
    end

    it "gives back no window for what its app does not read" do
      go_on = Channel.new
      app = taking(:protocol) do
        lambda do |io|
          go_on.pop
          size = 0
          while (bytes = io.read(65_536))
            size += bytes.bytesize
          end
          io.write(size.to_s)
          io.close
        end
      end
      tunnel(app) do |client, server|
        # All that the stream's window has room for; of more the client would be told.
        client.data(1, "y" * 262_144, ends: false)
        client.frame(:ping, 0, 0, "12345678")
        client.await { |frame| frame.kind == :ping && frame.flags == 1 }
        given = client.frames.select { |frame| frame.kind == :window_update && frame.stream == 1 }
        expect(given.sum { |frame| frame.payload.unpack1("N") }).to be < 262_144
        go_on << true
        client.next_frame(:window_update, 1)
        client.data(1, "y" * 100_000)
        expect(client.read_data(1, 6)).to eq("362144")
        eventually("it is over") { server.stats[:tunnels].zero? }
      end
    end

    it "is written of in the access log once it is granted" do
      Dir.mktmpdir do |folder|
        path = File.join(folder, "access.log")
        tunnel(echoing(:protocol), access_log: path) do |client|
          client.data(1, "hello")
          client.read_data(1, 8)
          eventually("there is a line") { File.read(path).include?("GET / HTTP/2") }
        end
        expect(File.read(path)).to match(%r{"GET / HTTP/2(\.0)?" 200 })
      end
    end

    it "is no concern of a server that stops, which gives its app a moment for the last words" do
      not_of_processes "each ends with its server"
      go_on = Channel.new
      tunnels = echoing(:protocol)
      app = shareable do
        ->(env) { env["rack.protocol"] ? tunnels.call(env) : [200, {}, [go_on.pop.to_s]] }
      end
      tunnel(app) do |client, server|
        client.request(3, "GET", "/")
        eventually("it is served") { server.stats[:running] == 1 }
        stopping = Thread.new { server.stop }
        client.next_frame(:goaway)
        # As long as a request is served, nobody is told of the end.
        client.data(1, "still there", ends: false)
        expect(client.read_data(1, 11)).to eq("still there")
        go_on << "last"
        expect(client.answer(3).body).to eq("last")
        expect(client.read_data(1, 3)).to eq("end")
        expect(client.next_frame(:data, 1)).to be_ends
        expect([stopping.value, server.running?]).to eq([true, false])
      end
    end

    it "is a stream of those that one connection may have, and of its descriptors" do
      tunnel(echoing(:protocol), http2_max_streams: 2) do |client, server|
        client.connect(3, "echo").read_head(3)
        client.connect(5, "echo")
        expect(client.next_frame(:rst_stream, 5).code).to eq(7)
        client.data(3, "")
        expect(client.read_data(3, 3)).to eq("end")
        eventually("there is room") { server.stats[:tunnels] == 1 }
        expect(client.connect(7, "echo").read_head(7).last).to include(%w[:status 200])
      end
    end
  end
end
