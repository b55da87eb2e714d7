# frozen_string_literal: true

RSpec.describe "rack.response_finished" do
  each_mode do
    let(:told) { Channel.new }

    # Tells what it is called with.
    let(:tell) do
      told = self.told
      shareable do
        lambda do |env, status, headers, error|
          told << [env["app.own"], status, headers&.fetch("x-own", nil), error&.class, error&.message]
        end
      end
    end

    # An app that is called back; the block makes a lambda that makes its answer.
    def app_with(*callbacks, &maker)
      Ractor.make_shareable(callbacks)
      answer = shareable(&maker || -> { -> { [200, { "x-own" => "y" }, ["body"]] } })
      shareable do
        lambda do |env|
          env["app.own"] = "mine"
          env["rack.response_finished"].concat(callbacks)
          answer.call
        end
      end
    end

    it "calls back after the answer, in reverse order" do
      told = self.told
      callbacks = (1..3).map { |n| shareable { ->(*) { told << n } } }
      converse(app_with(*callbacks)) do |client|
        expect(client.get.body).to eq("body")
        expect(Array.new(3) { take(told) }).to eq([3, 2, 1])
      end
    end

    it "gives env, status, headers and no error" do
      ask(app_with(tell))
      expect(take(told)).to eq(["mine", 200, "y", nil, nil])
    end

    it "gives the error of an app that raised" do
      converse(app_with(tell) { -> { raise ArgumentError, "boom" } }) do |client, _, log|
        expect(client.get.status).to eq(500)
        expect(take(told)).to eq(["mine", 500, nil, ArgumentError, "boom"])
        log.wait_for(/boom/)
      end
    end

    it "gives that, too, where a hook that is told of the error ends its thread" do
      told = self.told
      hook = shareable { ->(error) { (told << error.message) && Thread.exit } }
      converse(app_with(tell) { -> { raise ArgumentError, "boom" } }, on_error: hook) do |client, _, log|
        2.times do
          expect(client.get.status).to eq(500)
          expect([take(told), take(told)]).to eq(["boom", ["mine", 500, nil, ArgumentError, "boom"]])
        end
        log.wait_for(/boom/)
      end
    end

    it "gives what was sent in place of an answer that can't be" do
      app = app_with(tell) { -> { [200, { "x-own" => "two\0lines" }, ["body"]] } }
      converse(app, lint: false) do |client, _, log|
        expect(client.get.status).to eq(500)
        expect(take(told)[1..3]).to eq([500, nil, Kino::ResponseError])
        log.wait_for(/x-own/)
      end
    end

    it "gives what was sent in place of a body that raised before its first part" do
      app = app_with(tell) { -> { [200, { "x-own" => "y" }, Bodies::Each.new { raise "at once" }] } }
      converse(app) do |client, _, log|
        expect(client.get.status).to eq(500)
        expect(take(told)).to eq(["mine", 500, nil, RuntimeError, "at once"])
        log.wait_for(/at once/)
      end
    end

    it "gives headers that are no Hash as the Hash that was sent" do
      app = app_with(tell) { -> { [200, [["x-own", "y"]], ["body"]] } }
      ask(app, lint: false)
      expect(take(told)).to eq(["mine", 200, "y", nil, nil])
    end

    it "gives the error of a body that raised" do
      app = app_with(tell) { -> { [200, { "x-own" => "y" }, Bodies::Each.new("one") { raise "half-way" }] } }
      converse(app) do |client, _, log|
        client.write(RawClient.message("GET", "/")).read_to_end
        expect(take(told)).to eq(["mine", 200, "y", RuntimeError, "half-way"])
        log.wait_for(/half-way/)
      end
    end

    it "gives an error when the client left before the answer was out" do
      app = app_with(tell) do
        -> { [200, { "x-own" => "y" }, Bodies::Each.new { |out| loop { out.call("x" * 10_000) } }] }
      end
      serve(app) do |server|
        client = RawClient.open(server.url)
        client.write(RawClient.message("GET", "/")).read(50_000)
        client.abort
        expect(take(told)[3]).to be(Kino::ClientDisconnected)
      end
    end

    it "waits for the last byte of an answer that its client is slow to read" do
      app = app_with(tell) { -> { [200, { "x-own" => "y" }, ["x" * 30_000_000]] } }
      serve(app, workers: 1, threads: 1) do |server|
        RawClient.open(server.url) do |client|
          client.write(RawClient.message("GET", "/")).read_head
          # The only worker does not wait.
          RawClient.open(server.url) { |other| expect(other.request("HEAD", "/").status).to eq(200) }
          expect(take(told)[1]).to eq(200) # of HEAD
          expect(told).to be_empty
          client.read(30_000_000)
          expect(take(told)).to eq(["mine", 200, "y", nil, nil])
        end
      end
    end

    it "gives an error when the client left before it had read all that was left to the engine" do
      app = app_with(tell) { -> { [200, { "x-own" => "y" }, ["x" * 30_000_000]] } }
      serve(app) do |server|
        client = RawClient.open(server.url)
        client.write(RawClient.message("GET", "/")).read_head
        client.abort
        expect(take(told)[0..3]).to eq(["mine", 200, "y", Kino::ClientDisconnected])
      end
    end

    it "gives an error when the server is stopped before the client has read all" do
      stops_at_once
      app = app_with(tell) { -> { [200, { "x-own" => "y" }, ["x" * 30_000_000]] } }
      serve(app) do |server|
        client = RawClient.open(server.url)
        client.write(RawClient.message("GET", "/")).read_head
        server.stop!
        expect(take(told)[0..3]).to eq(["mine", 200, "y", Kino::ClientDisconnected])
        # A stop at once waits for no thread, but the channel does not outlive the example.
        eventually("the worker has ended") { Thread.list.none? { |thread| thread.name&.start_with?("kino 1") } }
      end
    end

    it "is called after rack.after_reply, which is called with nothing, the first registered first, as with Puma" do
      told = self.told
      app = shareable do
        lambda do |env|
          env["rack.response_finished"] << ->(*given) { told << given.size } << -> { told << :none }
          env["rack.after_reply"] << -> { told << :first }
          (env["rack.after_reply"] ||= []).push(->(*given) { told << given }, -> { raise "in a reply" },
                                                -> { told << :last })
          [200, {}, []]
        end
      end
      converse(app) do |client, _, log|
        2.times do
          client.get
          expect(Array.new(5) { take(told) }).to eq([:first, [], :last, :none, 4])
        end
        log.wait_for(/in a reply/)
      end
    end

    it "is called beside a rack.after_reply that the app has replaced, or has taken away" do
      told = self.told
      app = shareable do
        lambda do |env|
          env["rack.after_reply"] = env["PATH_INFO"] == "/none" ? nil : [-> { told << :replaced }]
          env["rack.response_finished"] << ->(*) { told << :own } unless env["PATH_INFO"] == "/"
          [200, {}, []]
        end
      end
      converse(app) do |client|
        client.get("/both")
        expect([take(told), take(told)]).to eq(%i[replaced own])
        client.get("/")
        expect(take(told)).to eq(:replaced)
        client.get("/none")
        expect(take(told)).to eq(:own)
      end
    end

    it "calls the others although one raises, logs that, and keeps the worker and the connection" do
      told = self.told
      callbacks = shareable do
        [->(*) { told << :first }, ->(*) { raise Exception, "in a callback" }, ->(*) { told << :last }]
      end
      converse(app_with(*callbacks), threads: 1) do |client, _, log|
        3.times do
          expect(client.get.body).to eq("body")
          expect([take(told), take(told)]).to eq(%i[last first])
        end
        log.wait_for(/in a callback/)
      end
    end

    it "is there for each request anew" do
      app = shareable do
        lambda do |env|
          had = env["rack.response_finished"].size
          env["rack.response_finished"] << ->(*) {}
          Probes.answer(had)
        end
      end
      converse(app) { |client| 3.times { expect(Probes.read(client.get)).to eq(0) } }
    end

    it "may be replaced by the app" do
      told = self.told
      app = shareable do
        lambda do |env|
          env["rack.response_finished"] = [->(*) { told << :replaced }]
          [200, {}, []]
        end
      end
      ask(app)
      expect(take(told)).to eq(:replaced)
    end
  end
end
