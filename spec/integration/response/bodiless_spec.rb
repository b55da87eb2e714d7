# frozen_string_literal: true

RSpec.describe "An answer without a body" do
  each_mode(of_one_process: true) do
    it "is that to HEAD, with the headers that GET would have" do
      app = shareable do
        lambda do |env|
          [200, { "content-length" => "7", "x-own" => "y" }, env["REQUEST_METHOD"] == "HEAD" ? [] : ["content"]]
        end
      end
      converse(app) do |client|
        head = client.request("HEAD", "/")
        expect([head.status, head["content-length"], head["x-own"]]).to eq([200, "7", "y"])
        get = client.get
        expect(get.body).to eq("content")
        expect(head.names.sort).to eq(get.names.sort)
      end
    end

    it "is that to HEAD also where the app gives one" do
      converse(shareable { ->(_) { [200, {}, ["content"]] } }, lint: false) do |client|
        expect(client.request("HEAD", "/").body).to eq("")
        expect(client.get.body).to eq("content")
      end
    end

    [204, 304].each do |status|
      it "is #{status}, with no length and no chunks" do
        converse(shareable { ->(_) { [status, { "x-own" => "y" }, []] } }) do |client|
          2.times do
            response = client.get
            expect([response.status, response["x-own"]]).to eq([status, "y"])
            expect(response.names).not_to include("content-length", "transfer-encoding")
          end
        end
      end

      it "is #{status} also where the app gives one" do
        app = shareable do
          lambda do |env|
            env["PATH_INFO"] == "/next" ? [200, {}, ["next"]] : [status, { "content-length" => "7" }, ["content"]]
          end
        end
        converse(app, lint: false) do |client|
          expect(client.get.status).to eq(status)
          expect(client.get("/next").body).to eq("next")
        end
      end
    end

    { "an Array" => ["content"].freeze,
      "an each" => Bodies::Each.new("content"),
      "a call" => Bodies::Called.new("content"),
      "chunks of its own" => Bodies::Each.new("7\r\ncontent\r\n0\r\n\r\n") }.each do |what, body|
      it "is 205, whose length is 0, though the app gives #{what}" do
        fields = what.start_with?("chunks") ? { "transfer-encoding" => "chunked" } : { "content-length" => "7" }
        Ractor.make_shareable([body, fields])
        app = shareable do
          ->(env) { env["PATH_INFO"] == "/next" ? [200, {}, ["next"]] : [205, fields.dup, body.dup] }
        end
        converse(app, lint: false) do |client|
          %w[GET HEAD POST].each do |method|
            response = client.request(method, "/")
            expect([response.status, response["content-length"], response["transfer-encoding"]]).to eq([205, "0", nil])
            expect([response.body, client.get("/next").body]).to eq(["", "next"])
          end
        end
      end
    end

    { "an Array" => [].freeze, "an each" => Bodies::Each.new }.each do |what, body|
      it "is not 101 with #{what}, since nobody takes the connection that it changes: a 500" do
        Ractor.make_shareable(body)
        app = shareable { ->(_) { [101, { "upgrade" => "echo" }, body.dup] } }
        converse(app, lint: false) do |client, _, log|
          expect(client.get.status).to eq(500)
          log.wait_for(/the app's status is 101; allowed is an Integer from 200 to 999, or 101 with a callable body/)
        end
      end
    end

    it "may be of any status: 200 has the length 0 then" do
      converse(shareable { ->(env) { [Integer(env["PATH_INFO"].delete("/")), {}, []] } }) do |client|
        [200, 201, 202, 205, 301, 404, 500, 503].each do |status|
          response = client.get("/#{status}")
          expect([response.status, response["content-length"], response.body]).to eq([status, "0", ""])
        end
      end
    end
  end
end
