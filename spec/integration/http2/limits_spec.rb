# frozen_string_literal: true

require "tmpdir"

RSpec.describe "Limits of connections of HTTP/2" do
  # What a client sends, by the setting that is in its way; the counter where that has another name.
  slow = HpackReader.write(Http2Client.head("GET", "/slow"))
  floods = {
    { http2_max_resets: 2 } => Array.new(30) do |n|
      Http2Client.bytes(:headers, 5, 3 + (2 * n), slow) +
        Http2Client.bytes(:rst_stream, 0, 3 + (2 * n), [8].pack("N"))
    end,
    { http2_max_continuations: 2 } => [Http2Client.bytes(:headers, 1, 3, slow),
                                       *Array.new(3) { Http2Client.bytes(:continuation, 0, 3) }],
    { http2_max_control_frames: 2 } => Array.new(40) { Http2Client.bytes(:ping, 0, 0, "12345678") },
    { http2_max_empty_frames: 2 } => [Http2Client.bytes(:headers, 4, 3, slow),
                                      *Array.new(40) { Http2Client.bytes(:data, 0, 3) }],
    { max_header_size: 2048, counter: :http2_header_blocks } =>
      [Http2Client.bytes(:headers, 1, 3, "\x82" * 10_000), Http2Client.bytes(:continuation, 0, 3, "\x82" * 10_000)]
  }

  each_mode do
    # Answers when it is told to, but for those that ask for nothing.
    def gated(gate)
      shareable do
        lambda do |env|
          gate.pop if env["PATH_INFO"] == "/slow"
          [200, {}, [env["PATH_INFO"]]]
        end
      end
    end

    # Workers for two requests at a time, in any mode.
    def two_at_once = mode == :ractor ? { workers: 2, threads: 1 } : { threads: 2 }

    it "answer a request that takes too long with a 504, on its stream alone" do
      gate = Channel.new
      speak(gated(gate), request_timeout: 0.3, **two_at_once) do |client, server, log|
        log.allow
        client.request(1, "GET", "/slow")
        expect(client.answer(1).status).to eq(504)
        expect(client.get(3, "/quick").body).to eq("/quick")
        gate << :open
        eventually("the late answer is dropped") { server.stats[:late] == 1 }
        expect(client.get(5, "/quick").body).to eq("/quick")
        expect(server.stats).to include(request_timeout: 1)
      end
    end

    it "answer those that no worker takes with a 503" do
      gate = Channel.new
      speak(gated(gate), queue_timeout: 0.3, threads: 1) do |client, server, log|
        log.allow
        not_of_processes("the other process would take it")
        client.request(1, "GET", "/slow")
        eventually("it runs") { server.stats[:running] == 1 }
        expect(client.get(3).status).to eq(503)
        gate << :open
        expect(client.answer(1).status).to eq(200)
        expect(server.stats).to include(queue_timeout: 1)
      end
    end

    it "refuse streams past http2_max_streams, which may ask again" do
      gate = Channel.new
      speak(gated(gate), http2_max_streams: 2, **two_at_once) do |client, server|
        settings = client.await { |frame| frame.kind == :settings && !frame.ends? }.payload
        expect(settings.unpack("nN" * (settings.bytesize / 6)).each_slice(2).to_h).to include(3 => 2)
        2.times { |n| client.request(1 + (2 * n), "GET", "/slow") }
        client.request(5, "GET", "/")
        expect(client.next_frame(:rst_stream, 5).code).to eq(7)
        2.times { gate << :open }
        expect([1, 3].map { |id| client.answer(id).status }).to eq([200, 200])
        expect(client.get(7).status).to eq(200)
        eventually("it is counted") { server.stats[:http2_refused] == 1 }
      end
    end

    it "end after max_keepalive_requests, with nothing lost" do
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } }
      speak(app, max_keepalive_requests: 3) do |client, server|
        3.times { |n| client.request(1 + (2 * n), "GET", "/#{n}") }
        expect(Array.new(3) { |n| client.answer(1 + (2 * n)).body }).to eq(%w[/0 /1 /2])
        expect(client.next_frame(:goaway)).to have_attributes(code: 0, last: (2**31) - 1)
        # One that was on its way is answered, too.
        expect(client.get(7, "/3").body).to eq("/3")
        ping = client.next_frame(:ping)
        client.frame(:ping, 1, 0, ping.payload)
        expect(client.next_frame(:goaway)).to have_attributes(code: 0, last: 7)
        expect(client).to be_closed
        expect(server.stats).to include(max_keepalive_requests: 1)
      end
    end

    it "end after max_keepalive_requests for those who never say that they have heard of it" do
      app = shareable { ->(_) { [200, {}, ["ok"]] } }
      speak(app, max_keepalive_requests: 3, http2_max_streams: 2) do |client|
        ends = (1..).step(2).first(20).map do |id|
          client.request(id, "GET", "/")
          client.await { |frame| frame.stream == id && (frame.ends? || frame.kind == :rst_stream) }
        rescue RawClient::Truncated, SystemCallError
          nil # it has ended already
        end
        answered = ends.compact.count { |frame| frame.kind == :data }
        expect(answered).to be_between(3, 5)
        goaways = client.frames.select { |frame| frame.kind == :goaway }
        expect(goaways.map(&:last)).to eq([(2**31) - 1, (2 * answered) - 1])
        expect(ends[answered]).to be_nil.or have_attributes(kind: :rst_stream, code: 7)
      end
    end

    # Gives back the bytes of each frame on its own, from when its window is used up on: the lengths of all frames.
    def lengths_of(client, stream, bytes)
      lengths, returned = [], 0
      until lengths.sum == bytes
        is_used_up = lengths.sum >= 65_535
        give_back(client, stream, lengths[(returned += 1) - 1]) if is_used_up && returned < lengths.size
        # What came meanwhile.
        client.frames.select { |frame| frame.kind == :data }.each do |frame|
          client.frames.delete(frame)
          lengths << frame.payload.bytesize
        end
        lengths << client.next_frame(:data, stream).payload.bytesize if !is_used_up || returned == lengths.size
      end
      lengths
    end

    # And waits until the server has heard that.
    def give_back(client, stream, bytes)
      windows = [0, stream].map { |id| Http2Client.bytes(:window_update, 0, id, [bytes].pack("N")) }
      client.write([*windows, Http2Client.bytes(:ping, 0, 0, "returned")].join)
      said = client.await { |frame| frame.kind == :goaway || (frame.kind == :ping && frame.flags == 1) }
      raise "it is ended: #{said.payload}" if said.kind == :goaway
    end

    it "go on with a client that gives back each frame, and answer it in frames that become no shorter" do
      app = shareable do
        lambda do |env|
          part = "x" * Integer(env["QUERY_STRING"])
          [200, {}, ->(out) { 1500.times { out.write(part) } && out.close }]
        end
      end
      serve(app, http2: true) do |server|
        [100, 1024].each do |size|
          Http2Client.open(server.url) do |client|
            client.request(1, "GET", "/?#{size}").read_head(1)
            lengths = lengths_of(client, 1, 1500 * size)
            expect(lengths.count { |one| one < size / 2 }).to be < lengths.size / 10
          end
        end
      end
    end

    it "answer who opens a window by a little, and no more" do
      app = shareable { ->(_) { [200, {}, ["x" * 65_565]] } }
      speak(app) do |client|
        client.request(1, "GET", "/").read_head(1)
        length = 0
        length += client.next_frame(:data, 1).payload.bytesize while length < 65_535
        3.times do
          [0, 1].each { |id| client.frame(:window_update, 0, id, [10].pack("N")) }
          length += client.next_frame(:data, 1).payload.bytesize
        end
        expect(length).to eq(65_565)
      end
    end

    it "end when they were idle for keepalive_timeout" do
      app = shareable { ->(_) { [200, {}, ["ok"]] } }
      speak(app, keepalive_timeout: 0.3) do |client, server|
        expect(client.get(1).body).to eq("ok")
        expect(client.next_frame(:goaway)).to have_attributes(code: 0, last: 1)
        expect(client).to be_closed
        expect(server.stats).to include(keepalive_timeout: 1)
      end
    end

    it "end when nothing is asked for in keepalive_timeout, whatever else is said" do
      speak(Probes::Env, keepalive_timeout: 0.5) do |client, server|
        client.get(1)
        chatter = [[:ping, 0, "12345678"], [:window_update, 0, [1].pack("N")], [:settings, 0, ""],
                   [16, 0, [1].pack("N") + "u=1"]]
        # Each of it comes sooner than the time is over, and for longer.
        talk = Thread.new do
          chatter.cycle.first(400).each do |kind, flags, payload|
            client.frame(kind, flags, 0, payload)
            sleep 0.05
          end
          :never_ended
        rescue SystemCallError
          :ended
        end
        eventually("it is ended") { server.stats[:keepalive_timeout] == 1 }
        expect(talk.value).to eq(:ended)
      end
    end

    it "are the same for a head as on HTTP/1.1 (max_header_size)" do
      app = shareable { ->(_) { [200, {}, ["ok"]] } }
      speak(app, max_header_size: 2048) do |client, server, log|
        log.allow
        one = ->(more) { RawClient.message("GET", "/", { "host" => "localhost", "x" => "y" * more }) }
        most = 2048 - one.call(0).bytesize
        [[most, 200], [most + 1, 431]].each_with_index do |(length, status), n|
          RawClient.open(server.url) do |plain|
            expect(plain.write(one.call(length)).read_response.status).to eq(status)
          end
          expect(client.get(1 + (2 * n), "/", { "x" => "y" * length }).status).to eq(status)
        end
      end
    end

    it "end when a head does not come in time" do
      speak(Probes::Env, header_timeout: 0.3) do |client, server|
        client.get(1)
        client.frame(:headers, 1, 3, HpackReader.write([%w[:method GET]]))
        expect(client.next_frame(:goaway).code).to eq(0)
        expect(client).to be_closed
        expect(server.stats).to include(header_timeout: 1)
      end
    end

    it "give up an answer whose window does not open for write_timeout, alone" do
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"] == "/long" ? "x" * 100_000 : "short"]] } }
      speak(app, write_timeout: 0.5, client: { settings: { 4 => 10 } }) do |client, server|
        client.request(1, "GET", "/long")
        expect(client.next_frame(:rst_stream, 1).code).to eq(8)
        expect(client.get(3).body).to eq("short")
        expect(server.stats).to include(write_timeout: 1, aborted: 1)
      end
    end

    it "let a streamed answer wait for its window, and no other" do
      app = shareable do
        lambda do |env|
          stream = ->(out) { 20.times { out.write("x" * 10_000) } && out.close }
          [200, {}, env["PATH_INFO"] == "/long" ? stream : ["ok"]]
        end
      end
      speak(app, client: { settings: { 4 => 1000 } }, **two_at_once) do |client|
        client.request(1, "GET", "/long")
        client.read_head(1)
        expect(client.get(3).body).to eq("ok")
        client.frame(:window_update, 0, 1, [1_000_000].pack("N"))
        client.frame(:window_update, 0, 0, [1_000_000].pack("N"))
        length = 0
        loop do
          frame = client.next_frame(:data, 1)
          length += frame.payload.bytesize
          break if frame.ends?
        end
        expect(length).to eq(200_000)
      end
    end

    floods.each do |settings, bytes|
      setting, most = settings.first
      it "are ended past #{setting}, which is counted, and named to whoever runs the server" do
        gate = Channel.new
        Dir.mktmpdir("kino") do |folder|
          path = File.join(folder, "access.log")
          logged = { access_log: path, access_log_format: "{path} {status} {cause}" }
          speak(gated(gate), **two_at_once, **logged, setting => most) do |client, server, log|
            log.allow
            client.request(1, "GET", "/slow")
            eventually("it runs") { server.stats[:running] == 1 }
            client.write(bytes.join)
            expect(client.next_frame(:goaway).code).to eq(11)
            log.wait_for(/a connection of HTTP\/2 was ended: .* \(#{setting}\)/)
            expect(server.stats).to include(http2_floods: 1, settings.fetch(:counter, setting) => 1)
            40.times { gate << :open }
            eventually("its request is told of") { File.read(path).include?("/slow 499 #{setting}\n") }
          end
        end
      end
    end

    it "go on with as much by default" do
      gate = Channel.new
      40.times { gate << :open }
      floods.each do |settings, bytes|
        next if settings.key?(:counter)

        speak(gated(gate), **two_at_once) do |client|
          client.write(bytes[..-2].join)
          client.frame(:continuation, 4, 3) if settings.key?(:http2_max_continuations)
          expect(client.get(101).status).to eq(200)
        end
      end
    end

    it "are ended for floods, which are counted" do
      speak(Probes::Env) do |client, server, log|
        log.allow
        client.write(Http2Client.bytes(:ping, 0, 0, "12345678") * 1500)
        expect(client.next_frame(:goaway).code).to eq(11)
        expect(server.stats).to include(http2_floods: 1, http2_max_control_frames: 1)
      end
    end

    it "are ended for resets of what they have just asked for" do
      gate = Channel.new
      speak(gated(gate)) do |client, server, log|
        log.allow
        head = HpackReader.write(Http2Client.head("GET", "/slow"))
        bytes = Array.new(600) do |n|
          id = 1 + (2 * n)
          Http2Client.bytes(:headers, 5, id, head) + Http2Client.bytes(:rst_stream, 0, id, [8].pack("N"))
        end
        client.write(bytes.join)
        expect(client.next_frame(:goaway).code).to eq(11)
        expect(server.stats).to include(http2_floods: 1, http2_max_resets: 1)
        10.times { gate << :open }
        expect(RawClient.open(server.url) { |other| other.get("/").status }).to eq(200)
      end
    end

    it "let go of what was reset before a worker took it" do
      gate = Channel.new
      not_of_processes("the other process would take it")
      speak(gated(gate), threads: 1) do |client, server|
        client.request(1, "GET", "/slow")
        eventually("it runs") { server.stats[:running] == 1 }
        client.request(3, "GET", "/never")
        client.frame(:ping, 0, 0, "12345678")
        client.next_frame(:ping)
        client.frame(:rst_stream, 0, 3, [8].pack("N"))
        eventually("it is gone") { server.stats[:gone] == 1 }
        gate << :open
        expect(client.answer(1).body).to eq("/slow")
        expect(client.get(5).body).to eq("/")
        expect(server.stats).to include(requests: 2)
      end
    end

    it "are drained: what has begun is answered, and nothing else is taken" do
      gate = Channel.new
      app = gated(gate)
      serve(app, http2: true) do |server|
        Http2Client.open(server.url) do |client|
          client.request(1, "GET", "/slow")
          eventually("it runs") { server.stats[:running] == 1 }
          stopping = Thread.new { server.stop }
          expect(client.next_frame(:goaway)).to have_attributes(code: 0, last: (2**31) - 1)
          client.request(3, "GET", "/late")
          client.frame(:ping, 1, 0, client.next_frame(:ping).payload)
          expect(client.next_frame(:goaway)).to have_attributes(code: 0, last: 3)
          gate << :open
          expect([1, 3].map { |id| client.answer(id).body }).to eq(%w[/slow /late])
          expect(client).to be_closed
          stopping.join
        end
      end
    end
  end
end
