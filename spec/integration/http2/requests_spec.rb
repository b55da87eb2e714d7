# frozen_string_literal: true

RSpec.describe "Requests over HTTP/2" do
  each_mode do
    it "reach the app as any others do" do
      speak(Probes::Env) do |client|
        env = Probes.read(client.get(1, "/a%20b?c=d", { "x-y" => "z", "cookie" => "a=1" }))
        expect(env).to include(
          "REQUEST_METHOD" => "GET", "PATH_INFO" => "/a%20b", "QUERY_STRING" => "c=d", "SERVER_PROTOCOL" => "HTTP/2",
          "HTTP_VERSION" => "HTTP/2", "HTTP_HOST" => "localhost", "SERVER_NAME" => "localhost", "SERVER_PORT" => "80",
          "HTTP_X_Y" => "z", "HTTP_COOKIE" => "a=1", "REQUEST_URI" => "/a%20b?c=d"
        )
        expect(env.keys.grep(/HTTP_:|CONNECTION/)).to eq([])
      end
    end

    it "have their cookies joined, and can't take the socket" do
      app = shareable do
        ->(env) { Probes.answer([env["HTTP_COOKIE"], env.key?("rack.hijack"), env["rack.hijack?"]]) }
      end
      speak(app) do |client|
        client.headers(1, Http2Client.head("GET", "/", [%w[cookie a=1], %w[cookie b=2]]))
        expect(Probes.read(client.answer(1))).to eq(["a=1; b=2", false, false])
      end
    end

    it "have the last of two content types, as those of HTTP/1.1 have" do
      types = [["content-type", "text/plain"], ["content-type", "text/html"]]
      speak(Probes::Env) do |client, server|
        client.headers(1, Http2Client.head("GET", "/", types))
        plain = RawClient.open(server.url) do |one|
          lines = ["GET / HTTP/1.1", "host: x", *types.map { |type| type.join(": ") }, "", ""]
          one.write(lines.join("\r\n")).read_response
        end
        expect([client.answer(1), plain].map { |answer| Probes.read(answer)["CONTENT_TYPE"] }).to eq(%w[text/html] * 2)
      end
    end

    it "are answered without what says something of a connection of HTTP/1" do
      app = shareable { ->(_) { [200, { "content-type" => "text/plain", "x-a" => %w[1 2] }, ["hello"]] } }
      speak(app) do |client|
        answer = client.get(1)
        expect([answer.status, answer.body, answer["content-length"], answer["content-type"]])
          .to eq([200, "hello", "5", "text/plain"])
        expect(answer.fields).to include(%w[x-a 1], %w[x-a 2]).and(include(["date", String]))
        expect(answer.fields.map(&:first) & %w[connection transfer-encoding keep-alive]).to eq([])
      end
    end

    it "share a port with HTTP/1.1" do
      serve(Probes::Env, http2: true) do |server|
        expect(RawClient.open(server.url) { |client| client.request("PRINT", "/").status }).to eq(200)
        slow = RawClient.open(server.url) do |client|
          "PR".each_char { |byte| client.write(byte) }
          client.write("OPFIND / HTTP/1.1\r\nhost: x\r\n\r\n")
          client.read_response
        end
        expect(Probes.read(slow)).to include("REQUEST_METHOD" => "PROPFIND", "SERVER_PROTOCOL" => "HTTP/1.1")
      end
    end

    it "are refused on a port that doesn't speak HTTP/2" do
      converse(Probes::Env) do |client, _, log|
        log.allow
        client.write(Http2Client::PREFACE)
        expect(client.read_response.status).to eq(505)
      end
    end

    it "come byte by byte, and many at once" do
      speak(Probes::Env) do |client|
        bytes = Http2Client.bytes(:headers, 5, 1, HpackReader.write(Http2Client.head("GET", "/slow")))
        bytes.each_char { |byte| client.write(byte) }
        expect(Probes.read(client.answer(1))["PATH_INFO"]).to eq("/slow")
        ids = Array.new(50) { |n| 3 + (2 * n) }
        client.write(ids.map do |id|
          Http2Client.bytes(:headers, 5, id, HpackReader.write(Http2Client.head("GET", "/#{id}")))
        end.join)
        expect(ids.map { |id| Probes.read(client.answer(id))["PATH_INFO"] }).to eq(ids.map { |id| "/#{id}" })
      end
    end

    it "don't wait for each other" do
      gate = Channel.new
      app = shareable do
        lambda do |env|
          gate.pop if env["PATH_INFO"] == "/slow"
          [200, {}, [env["PATH_INFO"]]]
        end
      end
      not_of_processes("the gate is of one process")
      speak(app, **(mode == :ractor ? { workers: 2, threads: 1 } : {})) do |client|
        client.request(1, "GET", "/slow")
        expect(client.get(3, "/quick").body).to eq("/quick")
        gate << :open
        expect(client.answer(1).body).to eq("/slow")
      end
    end

    it "end their stream alone where they are malformed, with a 400" do
      speak(Probes::Env) do |client, server, log|
        log.allow
        [%w[X-Y z], %w[connection close], ["x", "a\nb"], %w[host other], %w[:status 200], ["x", " y"]]
          .each.with_index do |wrong, at|
          id = 1 + (2 * at)
          client.headers(id, Http2Client.head("GET", "/", [wrong]))
          head = client.read_head(id).last
          expect([wrong, head.assoc(":status").last]).to eq([wrong, "400"])
          expect(client.next_frame(:rst_stream, id).code).to eq(1)
        end
        expect(client.get(101).status).to eq(200)
        expect(server.stats).to include(malformed: 6)
      end
    end

    it "are held to the limits that all are held to" do
      speak(Probes::Env, max_uri_size: 64, max_headers: 8, max_header_size: 1024, max_body_size: 10) do |client, _, log|
        log.allow
        statuses = [
          client.get(1, "/#{"a" * 100}").status,
          client.get(3, "/", Array.new(20) { |n| ["x#{n}", "y"] }).status,
          client.get(5, "/", { "x" => "y" * 2000 }).status,
          client.request(7, "POST", "/", { "content-length" => 11 }, ends: false).answer(7).status,
          client.request(9, "POST", "/", {}, "x" * 11, ends: false).answer(9).status
        ]
        expect(statuses).to eq([414, 431, 431, 413, 413])
        expect(client.get(11).status).to eq(200)
      end
    end

    it "are logged with their protocol" do
      not_of_processes("its log is standard output's") if mode == :processes
      Dir.mktmpdir do |folder|
        path = File.join(folder, "access.log")
        format = "{method} {path} {protocol} {status} {cause}"
        speak(Probes::Env, access_log: path, access_log_format: format) do |client, _, log|
          log.allow
          client.get(1, "/logged")
          client.headers(3, Http2Client.head("GET", "/", [%w[X-Y z]]))
          client.next_frame(:rst_stream, 3)
        end
        expect(File.read(path)).to include("GET /logged HTTP/2.0 200 -\n")
      end
    end
  end
end
