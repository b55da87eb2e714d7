# frozen_string_literal: true

require "json"

RSpec.describe "request ids and server-timing" do
  app = lambda do |env|
    case env["PATH_INFO"]
    when "/own" then [200, { "x-request-id" => "of-the-app", "server-timing" => "db;dur=1" }, ["x"]]
    when "/raise" then raise "no luck"
    when "/stream" then [200, {}, ->(stream) { stream.write("x") and stream.close }]
    else [200, {}, [env.values_at("HTTP_X_REQUEST_ID", "kino.request_id").inspect]]
    end
  end
  app = Ractor.make_shareable(app)

  uuid = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/

  each_mode do
    it "takes a client's id, for the app and the answer" do
      answer = ask(app, "GET", "/", { "x-request-id" => "a-1_B@c" }, request_id: true)
      expect(answer.body).to eq('["a-1_B@c", "a-1_B@c"]')
      expect(answer["x-request-id"]).to eq("a-1_B@c")
    end

    it "makes one where there is none, or one that could do harm, or that Rails would not leave as it is" do
      converse(app, request_id: true) do |client|
        [{}, { "x-request-id" => "a b" }, { "x-request-id" => "<x>" }, { "x-request-id" => %w[a b] },
         { "x-request-id" => "host/a.b-000001" }, { "x-request-id" => "YWI+YQ==" },
         { "x-request-id" => "a" * 256 }].each do |headers|
          answer = client.get("/", headers)
          expect(answer["x-request-id"]).to match(/\A#{uuid}\z/)
          expect(answer.body).to eq([answer["x-request-id"]].cycle.first(2).inspect)
        end
      end
    end

    it "leaves an app's own alone, and gives streams one" do
      converse(app, request_id: true, server_timing: true) do |client|
        answer = client.get("/own")
        expect(answer["x-request-id"]).to eq("of-the-app")
        expect(answer.values("server-timing").join(", "))
          .to match(/\Adb;dur=1, queue;dur=\d+\.\d{3}, app;dur=\d+\.\d{3}\z/)
        expect(client.get("/stream", { "x-request-id" => "s" })["x-request-id"]).to eq("s")
      end
    end

    it "has it in the log of an error, and in the answer to that" do
      serve(app, request_id: true) do |server, log|
        answer = RawClient.open(server.url) { |client| client.get("/raise", { "x-request-id" => "known" }) }
        expect(answer.status).to eq(500)
        expect(answer["x-request-id"]).to eq("known")
        log.wait_for(%r{an error in the app \(GET /raise, request known\): .*no luck})
      end
    end

    it "has it in what Kino answers itself" do
      serve(app, request_id: true, max_body_size: 1) do |server, log|
        log.allow
        big = "PUT / HTTP/1.1\r\nhost: x\r\nx-request-id: big\r\ncontent-length: 2\r\n\r\n"
        answer = RawClient.open(server.url) { |client| client.write(big).read_response }
        expect([answer.status, answer["x-request-id"]]).to eq([413, "big"])
        answer = RawClient.open(server.url) { |client| client.write("nonsense\r\n\r\n").read_response }
        expect(answer["x-request-id"]).to match(/\A#{uuid}\z/)
      end
    end

    it "does nothing of that unless it is told to" do
      answer = ask(app, "GET", "/", { "x-request-id" => "a b" })
      expect(answer.body).to eq('["a b", nil]')
      expect([answer["x-request-id"], answer["server-timing"]]).to eq([nil, nil])
    end
  end
end
