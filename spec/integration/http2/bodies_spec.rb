# frozen_string_literal: true

RSpec.describe "Bodies of requests over HTTP/2" do
  # Sends a body as its windows let it.
  def upload(client, stream, bytes, part: 16_384)
    room = { 0 => 512 * 1024, stream => 256 * 1024 }
    at = 0
    while at < bytes.bytesize
      length = [part, bytes.bytesize - at, *room.values].min
      if length.zero?
        frame = client.next_frame(:window_update)
        room[frame.stream] += frame.payload.unpack1("N") if room.key?(frame.stream)
        next
      end
      client.frame(:data, at + length == bytes.bytesize ? 1 : 0, stream, bytes.byteslice(at, length))
      room.transform_values! { |left| left - length }
      at += length
    end
  end

  each_mode do
    # Tells of the body and of what the env says of it.
    let(:app) do
      shareable do
        lambda do |env|
          input = env["rack.input"]
          body = input.read
          Probes.answer([body.bytesize, body.sum(32), input.class.name, env["CONTENT_LENGTH"],
                         env["kino.trailers"]])
        end
      end
    end

    it "are read whole, with their length or without" do
      speak(app, lint: false) do |client|
        client.request(1, "POST", "/", { "content-length" => 5 }, "hello")
        expect(Probes.read(client.answer(1))).to match([5, Integer, "StringIO", "5", {}])
        client.request(3, "POST", "/", {}, "hello world")
        expect(Probes.read(client.answer(3))).to match([11, Integer, "StringIO", "11", {}])
        client.request(5, "POST", "/", {}, "")
        expect(Probes.read(client.answer(5))).to match([0, Integer, "Kino::NoInput", "0", {}])
      end
    end

    it "go to a file when they are long, and come as fast as that is written" do
      body = Random.bytes(3_000_000)
      speak(app, lint: false) do |client|
        client.request(1, "POST", "/", {}, ends: false)
        upload(client, 1, body)
        expect(Probes.read(client.answer(1)))
          .to eq([3_000_000, body.sum(32), "File", "3000000", {}])
      end
    end

    it "are read from their beginning, whatever their last frame is" do
      speak(app, lint: false, body_buffer: 1000) do |client, server|
        [[1, ->(id) { client.data(id, "") }], [3, ->(id) { client.headers(id, [%w[x-sum 1]]) }]].each do |id, ends|
          client.request(id, "POST", "/", {}, ends: false).data(id, "x" * 5000, ends: false)
          eventually("it is in a file") { server.stats[:spooled_bytes] >= 5000 }
          ends.call(id)
          expect(Probes.read(client.answer(id)).first(3)).to eq([5000, ("x" * 5000).sum(32), "File"])
        end
      end
    end

    it "go to files when many short ones are held" do
      speak(app, lint: false) do |client|
        ids = Array.new(30) { |n| 1 + (2 * n) }
        ids.each { |id| client.request(id, "POST", "/", {}, ends: false).data(id, "x" * 16_384, ends: false) }
        # More than half of the connection's window is held, so some go to files, and the window opens again.
        client.next_frame(:window_update, 0)
        ids.each { |id| client.data(id, "y") }
        read = ids.map { |id| Probes.read(client.answer(id)) }
        expect(read.map(&:first).uniq).to eq([16_385])
        expect(read.map { |seen| seen[2] }).to include("File")
      end
    end

    it "have trailers after them" do
      speak(app, lint: false) do |client|
        client.request(1, "POST", "/", { "content-length" => 5 }, ends: false).data(1, "hello", ends: false)
        client.headers(1, [%w[x-sum 6], %w[x-other 7]])
        expect(Probes.read(client.answer(1)).last).to eq({ "x-sum" => "6", "x-other" => "7" })
      end
    end

    it "are waited for with a 100 where that is expected" do
      speak(app, lint: false) do |client|
        client.request(1, "POST", "/", { "expect" => "100-continue" }, ends: false)
        expect(client.read_head(1).last).to eq([%w[:status 100]])
        client.data(1, "hello")
        expect(Probes.read(client.answer(1)).first).to eq(5)
      end
    end

    it "past max_body_size are refused as soon as that is known, and others go on" do
      speak(app, lint: false, max_body_size: 100_000) do |client, server, log|
        log.allow
        client.request(1, "POST", "/", { "content-length" => 100_001 }, ends: false)
        expect(client.answer(1).status).to eq(413)
        expect(client.next_frame(:rst_stream, 1).code).to eq(0)
        client.request(3, "POST", "/", {}, ends: false)
        client.data(3, "x" * 120_000, ends: false)
        expect(client.answer(3).status).to eq(413)
        expect(client.get(5).status).to eq(200)
        expect(server.stats).to include(max_body_size: 2)
      end
    end

    it "that stand still are given up after body_timeout, alone" do
      speak(app, lint: false, body_timeout: 0.3) do |client, server|
        client.request(1, "POST", "/", {}, ends: false).data(1, "x", ends: false)
        expect(client.answer(1).status).to eq(408)
        expect(client.get(3).status).to eq(200)
        expect(server.stats).to include(body_timeout: 1)
      end
    end

    context "with stream_bodies" do
      # Answers with what it has read, part by part.
      let(:reader) do
        shareable do
          lambda do |env|
            input = env["rack.input"]
            sizes = []
            while (part = input.read(100_000))
              sizes << part.bytesize
            end
            Probes.answer([sizes.sum, input.class.name, env["kino.trailers"]])
          end
        end
      end

      it "are read while they arrive" do
        told = Channel.new
        app = shareable do
          lambda do |env|
            told << env["rack.input"].readpartial(10)
            told << env["rack.input"].readpartial(10)
            [200, {}, [env["rack.input"].read.to_s]]
          end
        end
        speak(app, lint: false, stream_bodies: true, threads: 2) do |client|
          client.request(1, "POST", "/", {}, ends: false)
          client.data(1, "one", ends: false)
          expect(take(told)).to eq("one")
          client.data(1, "two", ends: false)
          expect(take(told)).to eq("two")
          client.data(1, "three")
          expect(client.answer(1).body).to eq("three")
        end
      end

      it "come as fast as the app reads, with trailers" do
        speak(reader, lint: false, stream_bodies: true, threads: 2) do |client|
          client.request(1, "POST", "/", {}, ends: false)
          body = "x" * 2_000_000
          room = 256 * 1024
          sent = 0
          while sent < body.bytesize
            length = [16_384, room, body.bytesize - sent].min
            if length.zero?
              frame = client.next_frame(:window_update)
              room += frame.payload.unpack1("N") if frame.stream == 1
              next
            end
            client.frame(:data, 0, 1, "x" * length)
            sent += length
            room -= length
          end
          client.headers(1, [%w[x-sum 1]])
          expect(Probes.read(client.answer(1))).to eq([2_000_000, "Kino::StreamedInput", { "x-sum" => "1" }])
        end
      end

      it "don't keep a stream waiting whose app reads nothing" do
        gate = Channel.new
        app = shareable do
          lambda do |env|
            gate.pop if env["REQUEST_METHOD"] == "POST"
            [200, {}, [env["rack.input"].read.to_s.bytesize.to_s]]
          end
        end
        workers = mode == :ractor ? { workers: 4, threads: 1 } : { threads: 3 }
        speak(app, lint: false, stream_bodies: true, **workers) do |client|
          client.request(1, "POST", "/", {}, ends: false).data(1, "x" * (256 * 1024), ends: false)
          expect(client.get(3).body).to eq("0")
          gate << :open
          client.data(1, "", ends: true)
          expect(client.answer(1).body).to eq((256 * 1024).to_s)
        end
      end

      it "wait until they can be, past half of the threads, each in its turn" do
        app = shareable do
          lambda do |_|
            [200, {}, lambda do |stream|
              while (word = stream.read(3))
                stream.write(word.upcase)
              end
              stream.close
            end]
          end
        end
        speak(app, lint: false, stream_bodies: true, threads: 2) do |client, server|
          client.request(1, "POST", "/", {}, ends: false).data(1, "one", ends: false)
          expect(client.next_frame(:data, 1).payload).to eq("ONE")
          %w[two six ten].each_with_index do |word, at|
            client.request(3 + (2 * at), "POST", "/", {}, ends: false).data(3 + (2 * at), word, ends: false)
          end
          client.frame(:ping, 0, 0, "12345678").next_frame(:ping) # they are in line before any other
          Http2Client.open(server.url) do |other|
            other.request(1, "POST", "/", {}, ends: false).data(1, "sea", ends: false)
            [client, other].each { |one| one.frame(:ping, 0, 0, "12345678").next_frame(:ping) }
            expect(client.frames.map(&:stream)).not_to include(3, 5, 7)

            client.data(1, "")
            expect(client.answer(1)).to have_attributes(status: 200, body: "")
            expect(client.next_frame(:data, 3).payload).to eq("TWO")
            client.frame(:rst_stream, 0, 3, [8].pack("N")).frame(:rst_stream, 0, 5, [8].pack("N"))
            # The other connection has waited for longer.
            expect(other.next_frame(:data, 1).payload).to eq("SEA")
            other.data(1, "")
            expect(other.answer(1).status).to eq(200)
            expect(client.next_frame(:data, 7).payload).to eq("TEN")
            client.data(7, "end")
            expect(client.next_frame(:data, 7).payload).to eq("END")
            expect(client.answer(7).status).to eq(200)
          end
          expect(client.get(9).status).to eq(200)
        end
      end

      it "that are not what they promised are the app's to see" do
        told = Channel.new
        app = shareable do
          lambda do |env|
            env["rack.input"].read
            [200, {}, []]
          rescue Kino::ClientError => e
            told << [e.status, e.message]
            raise
          end
        end
        speak(app, lint: false, stream_bodies: true, threads: 2) do |client, _, log|
          log.allow
          client.request(1, "POST", "/", { "content-length" => 10 }, ends: false).data(1, "short")
          expect(take(told)).to eq([400, "the body is shorter than its content-length"])
          expect(client.answer(1).status).to eq(400)
          expect(client.get(3).status).to eq(200)
        end
      end
    end
  end
end
