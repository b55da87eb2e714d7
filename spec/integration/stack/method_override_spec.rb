# frozen_string_literal: true

require "rack/method_override"
require "rack/request"

RSpec.describe "Rack::MethodOverride" do
  each_mode do
    before { only_in :threaded, "Rack::Request and its parsers use tables of Rack's that can't be shared" }

    let(:form) { { "content-type" => "application/x-www-form-urlencoded" } }
    # Answers with the method it is called with, the one that was sent, and the form's fields.
    let(:app) do
      Rack::MethodOverride.new(lambda do |env|
        sent = env["rack.methodoverride.original_method"]
        Probes.answer([env["REQUEST_METHOD"], sent, Rack::Request.new(env).POST])
      end)
    end

    it "takes the method from the field _method of a form, which the app can still read" do
      converse(app) do |client|
        %w[PUT PATCH DELETE].each do |method|
          answer = Probes.read(client.post("/", "_method=#{method.downcase}&name=Zo%C3%AB", form))
          expect(answer).to eq([method, "POST", { "_method" => method.downcase, "name" => "Zo\u00eb" }])
        end
      end
    end

    it "takes it from a multipart form, too" do
      body = "--mark\r\ncontent-disposition: form-data; name=\"_method\"\r\n\r\nPATCH\r\n--mark--\r\n"
      answer = ask(app, "POST", "/", { "content-type" => "multipart/form-data; boundary=mark" }, body)
      expect(Probes.read(answer)).to eq(["PATCH", "POST", { "_method" => "PATCH" }])
    end

    it "takes it from a form larger than what is kept in memory" do
      note = "x" * 100_000
      answer = ask(app, "POST", "/", form, "note=#{note}&_method=PUT")
      expect(Probes.read(answer)).to eq(["PUT", "POST", { "note" => note, "_method" => "PUT" }])
    end

    it "takes it from the header x-http-method-override" do
      headers = { "x-http-method-override" => "delete", "content-type" => "application/json" }
      converse(app) do |client|
        expect(Probes.read(client.post("/", "{}", headers))).to eq(["DELETE", "POST", {}])
        expect(Probes.read(client.post("/", "", headers))).to eq(["DELETE", "POST", {}])
      end
    end

    it "answers a POST that becomes HEAD as the POST it is on the wire" do
      converse(app) do |client|
        expect(Probes.read(client.post("/", "_method=head", form)).first).to eq("HEAD")
        expect(Probes.read(client.post("/", "_method=put", form)).first).to eq("PUT")
      end
    end

    it "leaves methods alone that Rack doesn't know" do
      answer = ask(app, "POST", "/", form, "_method=explode")
      expect(Probes.read(answer)).to eq(["POST", nil, { "_method" => "explode" }])
    end

    it "leaves everything but POST alone" do
      converse(app) do |client|
        expect(Probes.read(client.get("/?_method=delete", { "x-http-method-override" => "DELETE" }))[0, 2])
          .to eq(["GET", nil])
        expect(Probes.read(client.request("PUT", "/", form, "_method=delete"))[0, 2]).to eq(["PUT", nil])
      end
    end

    it "lets a POST through whose form can't be read, and says so" do
      app = Rack::MethodOverride.new(->(env) { [200, {}, [env["REQUEST_METHOD"]]] })
      converse(app) do |client, _, log|
        expect(client.post("/", "a=1&a[b]=2&_method=put", form).body).to eq("POST")
        log.wait_for(/Invalid or incomplete POST params/)
        expect(client.post("/", "_method=put", form).body).to eq("PUT")
      end
    end
  end
end
