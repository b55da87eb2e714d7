# frozen_string_literal: true

RSpec.describe "rack.response_finished" do
  each_mode do
    let(:told) { Queue.new }

    # An app that is called back; the block makes its answer.
    def app_with(*callbacks, &answer)
      lambda do |env|
        env["app.own"] = "mine"
        env["rack.response_finished"].concat(callbacks)
        answer ? answer.call : [200, { "x-own" => "y" }, ["body"]]
      end
    end

    let(:tell) do
      ->(env, status, headers, error) { told << [env["app.own"], status, headers&.fetch("x-own", nil), error] }
    end

    it "calls back after the answer, in reverse order" do
      converse(app_with(*(1..3).map { |n| ->(*) { told << n } })) do |client|
        expect(client.get.body).to eq("body")
        expect(Array.new(3) { take(told) }).to eq([3, 2, 1])
      end
    end

    it "gives env, status, headers and no error" do
      ask(app_with(tell))
      expect(take(told)).to eq(["mine", 200, "y", nil])
    end

    it "gives the error of an app that raised" do
      converse(app_with(tell) { raise ArgumentError, "boom" }) do |client, _, log|
        expect(client.get.status).to eq(500)
        env, _, _, error = take(told)
        expect([env, error.class, error.message]).to eq(["mine", ArgumentError, "boom"])
        log.wait_for(/boom/)
      end
    end

    it "gives the error of a body that raised" do
      app = app_with(tell) { [200, { "x-own" => "y" }, Bodies::Each.new("one") { raise "half-way" }] }
      converse(app) do |client, _, log|
        client.write(RawClient.message("GET", "/")).read_to_end
        own, status, header, error = take(told)
        expect([own, status, header, error.message]).to eq(["mine", 200, "y", "half-way"])
        log.wait_for(/half-way/)
      end
    end

    it "gives an error when the client left before the answer was out" do
      endless = Bodies::Each.new { |out| loop { out.call("x" * 10_000) } }
      serve(app_with(tell) { [200, { "x-own" => "y" }, endless] }) do |server|
        client = RawClient.open(server.url)
        client.write(RawClient.message("GET", "/")).read(50_000)
        client.abort
        expect(take(told).last).to be_a(Kino::ClientDisconnected)
      end
    end

    it "calls the others although one raises, logs that, and keeps the worker and the connection" do
      callbacks = [->(*) { told << :first }, ->(*) { raise Exception, "in a callback" }, ->(*) { told << :last }]
      converse(app_with(*callbacks), threads: 1) do |client, _, log|
        3.times do
          expect(client.get.body).to eq("body")
          expect([take(told), take(told)]).to eq(%i[last first])
        end
        log.wait_for(/in a callback/)
      end
    end

    it "is there for each request anew" do
      app = lambda do |env|
        had = env["rack.response_finished"].size
        env["rack.response_finished"] << ->(*) {}
        Probes.answer(had)
      end
      converse(app) { |client| 3.times { expect(Probes.read(client.get)).to eq(0) } }
    end

    it "may be replaced by the app" do
      app = lambda do |env|
        env["rack.response_finished"] = [->(*) { told << :replaced }]
        [200, {}, []]
      end
      ask(app)
      expect(take(told)).to eq(:replaced)
    end
  end
end
