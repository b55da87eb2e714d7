# frozen_string_literal: true

require "tempfile"
RSpec.describe "Answers over HTTP/2" do
  each_mode do
    it "are as long as their windows let them be, and wait for more" do
      app = shareable { ->(_) { [200, {}, ["x" * 1_000_000, "y" * 500_000]] } }
      speak(app) do |client|
        client.request(1, "GET", "/")
        body = +""
        body << client.next_frame(:data, 1).payload while body.bytesize < 65_535
        client.frame(:window_update, 0, 0, [10_000_000].pack("N"))
        client.frame(:window_update, 0, 1, [10_000_000].pack("N"))
        loop do
          frame = client.next_frame(:data, 1)
          body << frame.payload
          break if frame.ends?
        end
        expect([body.bytesize, body.count("x"), body[-1]]).to eq([1_500_000, 1_000_000, "y"])
      end
    end

    it "don't wait for a stream whose client reads nothing" do
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"] == "/long" ? "x" * 300_000 : "short"]] } }
      speak(app, client: { settings: { 4 => 1000 } }) do |client|
        3.times { |n| client.request(1 + (2 * n), "GET", "/long") }
        expect(client.get(9, "/").body).to eq("short")
        expect(client.answer(1).body.bytesize).to eq(300_000)
      end
    end

    context "when there is room for some of them" do
      # Opens the connection's window by so many bytes: which streams they go to, in order.
      def streams_of(client, bytes)
        client.frame(:window_update, 0, 0, [bytes].pack("N"))
        seen = []
        while bytes.positive?
          frame = client.next_frame(:data)
          seen << frame.stream
          bytes -= frame.payload.bytesize
        end
        seen
      end

      # Three long answers, of which nothing more can be sent, each with its priority.
      def ask_for(client, priorities)
        left = 65_535
        priorities.each_with_index do |priority, at|
          id = 1 + (2 * at)
          client.request(id, "GET", "/", { "priority" => priority })
          client.read_head(id)
          left -= client.next_frame(:data).payload.bytesize while left.positive?
        end
      end

      let(:app) { shareable { ->(_) { [200, {}, ["x" * 300_000]] } } }
      let(:wide) { { 4 => 1_000_000 } }

      it "come by their urgency, which may change" do
        speak(app, client: { settings: wide }) do |client|
          ask_for(client, ["u=5", "u=1", "u=3"])
          expect(streams_of(client, 50_000).uniq).to eq([3])
          client.frame(16, 0, 0, [5].pack("N") << "u=0")
          expect(streams_of(client, 50_000).uniq).to eq([5])
        end
      end

      it "come one after the other, or beside each other if their clients can use parts" do
        speak(app, client: { settings: wide }) do |client|
          ask_for(client, ["u=2", "u=2", "u=2"])
          expect(streams_of(client, 60_000).uniq.size).to eq(1)
        end
        speak(app, client: { settings: wide }) do |client|
          ask_for(client, ["u=2, i", "u=2, i", "u=2, i"])
          expect(streams_of(client, 60_000).uniq.size).to eq(3)
        end
      end
    end

    it "are sent part by part, with trailers after them" do
      body = Class.new do
        def initialize(env) = @env = env

        def each
          yield "one"
          yield ""
          yield "two"
          @env["kino.response_trailers"] = { "x-sum" => "6" }
        end
      end
      parts = shareable { ->(env) { [200, { "trailer" => "x-sum" }, body.new(env)] } }
      speak(parts, lint: false) do |client|
        answer = client.get(1)
        expect([answer.body, answer.trailers, answer["content-length"]]).to eq(["onetwo", [%w[x-sum 6]], nil])
      end
    end

    it "are streamed by callables" do
      app = shareable do
        ->(_) { [200, {}, ->(stream) { 3.times { |n| stream.write("#{n} ") } && stream.close }] }
      end
      speak(app) { |client| expect(client.get(1).body).to eq("0 1 2 ") }
    end

    it "are files, however long" do
      file = Tempfile.new("kino")
      file.write("abc" * 500_000)
      file.flush
      body = Struct.new(:to_path) do
        def each = yield("never")
      end
      path = file.path.dup.freeze
      app = shareable do
        lambda do |env|
          length = env["PATH_INFO"] == "/short" ? { "content-length" => "3" } : {}
          [200, length, body.new(path)]
        end
      end
      speak(app, lint: false) do |client|
        expect(client.get(1).body).to eq("abc" * 500_000)
        expect(client.get(3).body.bytesize).to eq(1_500_000)
      end
    ensure
      file&.close!
    end

    it "have no body for HEAD, nor for statuses that have none" do
      app = shareable do
        ->(env) { [env["PATH_INFO"].delete("/").to_i, {}, env["PATH_INFO"] == "/200" ? ["hello"] : []] }
      end
      speak(app) do |client|
        head = client.request(1, "HEAD", "/200").answer(1)
        expect([head.status, head["content-length"], head.body]).to eq([200, "5", ""])
        expect(client.get(3, "/204")).to have_attributes(status: 204, body: "")
        expect(client.get(5, "/304")).to have_attributes(status: 304, body: "")
      end
    end

    it "come after hints" do
      app = shareable do
        lambda do |env|
          env["rack.early_hints"].call("link" => "</a.css>; rel=preload")
          [200, {}, ["ok"]]
        end
      end
      speak(app, early_hints: true) do |client|
        answer = client.get(1)
        expect(answer.interim).to eq([[%w[:status 103], ["link", "</a.css>; rel=preload"]]])
        expect(answer.body).to eq("ok")
      end
    end

    it "that break off reset their stream alone" do
      app = shareable do
        lambda do |env|
          return [200, {}, ["fine"]] unless env["PATH_INFO"] == "/broken"

          [200, { "content-length" => "10" }, ["short"]]
        end
      end
      speak(app, lint: false) do |client, _, log|
        log.allow
        client.request(1, "GET", "/broken")
        expect(client.next_frame(:rst_stream, 1).code).to eq(2)
        expect(client.get(3, "/").body).to eq("fine")
      end
    end

    it "come to a client that has ended its half, as far as it has asked for them in full" do
      gate = Channel.new
      app = shareable do
        lambda do |env|
          gate.pop if env["PATH_INFO"] == "/slow"
          [200, {}, [env["PATH_INFO"]]]
        end
      end
      speak(app, workers: 1, threads: 1) do |client, server|
        client.await { |frame| frame.kind == :settings && !frame.ends? }
        client.request(1, "GET", "/slow").request(3, "GET", "/queued").request(5, "POST", "/part", ends: false)
        eventually("it runs") { server.stats[:running] == 1 }
        client.raw.close_write
        expect(client.next_frame(:rst_stream, 5).code).to eq(8)
        expect(client.next_frame(:goaway)).to have_attributes(code: 0, last: 5)
        gate << :open
        expect([1, 3].map { |id| client.answer(id, windows: false).body }).to eq(%w[/slow /queued])
        expect(client).to be_closed
      end
    end

    it "are told of when they are out" do
      told = Channel.new
      app = shareable do
        lambda do |env|
          env["rack.response_finished"] << ->(_, status, _, error) { told << [status, error.class.name] }
          [200, {}, ["x" * 200_000]]
        end
      end
      speak(app) do |client|
        client.get(1)
        expect(take(told)).to eq([200, "NilClass"])
        client.request(3, "GET", "/")
        client.next_frame(:data, 3)
        client.frame(:rst_stream, 0, 3, [8].pack("N"))
        expect(take(told)).to eq([200, "Kino::ClientDisconnected"])
      end
    end
  end
end
