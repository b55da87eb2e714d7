# frozen_string_literal: true

require "rack/conditional_get"
require "rack/etag"

RSpec.describe "Rack::ETag and Rack::ConditionalGet" do
  each_mode do
    # An app that answers with a copy of the body, beneath both.
    def conditional(body, headers = {})
      Ractor.make_shareable([body, headers])
      shareable { Rack::ConditionalGet.new(Rack::ETag.new(->(_) { [200, headers.dup, body.dup] })) }
    end

    # Answers with the path it is asked for, beneath both.
    let(:mirror) do
      shareable { Rack::ConditionalGet.new(Rack::ETag.new(->(env) { [200, {}, [env["PATH_INFO"]]] })) }
    end

    let(:noon) { "Tue, 24 Nov 2026 12:00:00 GMT" }

    it "give an answer an etag, and its second visitor a 304 without a body, over the same connection" do
      converse(mirror) do |client|
        first = client.get("/page")
        expect([first.status, first.body]).to eq([200, "/page"])
        expect(first["etag"]).to match(%r{\AW/"\h{32}"\z})
        expect(first["cache-control"]).to eq("max-age=0, private, must-revalidate")

        3.times do
          again = client.get("/page", { "if-none-match" => first["etag"] })
          expect([again.status, again.reason, again["etag"]]).to eq([304, "Not Modified", first["etag"]])
          expect(again.names & %w[content-type content-length transfer-encoding connection]).to eq([])
        end
        # Had a 304 brought a body, this would be read instead of an answer.
        expect(client.get("/page").body).to eq("/page")
      end
    end

    it "give another body another etag, so that it is sent whole" do
      converse(mirror) do |client|
        etag = client.get("/one")["etag"]
        other = client.get("/other", { "if-none-match" => etag })
        expect([other.status, other.body, other["etag"] == etag]).to eq([200, "/other", false])
      end
    end

    it "answer HEAD with the etag that GET has, and with 304" do
      converse(mirror) do |client|
        etag = client.get("/page")["etag"]
        head = client.request("HEAD", "/page")
        expect([head.status, head["etag"], head.body]).to eq([200, etag, ""])
        expect(client.request("HEAD", "/page", { "if-none-match" => etag }).status).to eq(304)
        expect(client.get("/page").status).to eq(200)
      end
    end

    it "give 304 only to GET and HEAD" do
      converse(mirror) do |client|
        etag = client.get("/page")["etag"]
        posted = client.post("/page", "a body", { "if-none-match" => etag })
        expect([posted.status, posted.body]).to eq([200, "/page"])
      end
    end

    it "answer 304 to who has seen the answer since it was modified" do
      converse(conditional(["page"], { "last-modified" => noon })) do |client|
        [noon, "Tue, 24 Nov 2026 12:00:01 GMT"].each do |since|
          seen = client.get("/", { "if-modified-since" => since })
          expect([seen.status, seen["last-modified"], seen["content-length"]]).to eq([304, noon, nil])
        end
        expect(client.get("/").body).to eq("page")
      end
    end

    it "send it whole to who has seen it earlier, or sends no date that can be read" do
      converse(conditional(["page"], { "last-modified" => noon })) do |client|
        ["Tue, 24 Nov 2026 11:59:59 GMT", "yesterday", "", "0"].each do |since|
          response = client.get("/", { "if-modified-since" => since })
          expect([response.status, response.body]).to eq([200, "page"])
        end
      end
    end

    it "believe if-none-match rather than if-modified-since" do
      converse(conditional(["page"], { "last-modified" => noon, "etag" => '"mine"' })) do |client|
        headers = ->(etag) { { "if-none-match" => etag, "if-modified-since" => noon } }
        expect(client.get("/", headers.call('"another"')).status).to eq(200)
        expect(client.get("/", headers.call('"mine"')).status).to eq(304)
      end
    end

    it "neither make nor send the body of a 304, but have it closed" do
      told = Channel.new
      app = conditional(Bodies::Each.new("never", told: told), { "last-modified" => noon })
      expect(ask(app, "GET", "/", { "if-modified-since" => noon }).status).to eq(304)
      expect(Bodies.calls(told)).to eq(%i[close])
    end

    it "don't hold a body back that streams, and give it no etag" do
      go_on = Channel.new
      rest = shareable { ->(out) { go_on.pop && out.call("second") } }
      converse(conditional(Bodies::Each.new("first", &rest))) do |client|
        client.write(RawClient.message("GET", "/"))
        expect(client.read_head.last.assoc("etag")).to be_nil
        expect(client.read("5\r\nfirst\r\n".bytesize)).to eq("5\r\nfirst\r\n")
        go_on << true
        expect(client.read_chunks).to eq("second")
      end
    end

    it "work for each of many requests that were sent at once" do
      converse(mirror) do |client|
        etag = client.get("/page")["etag"]
        fresh = RawClient.message("GET", "/page", { "if-none-match" => etag })
        client.write((fresh + RawClient.message("GET", "/page")) * 10)
        statuses = Array.new(20) { client.read_response.status }
        expect(statuses).to eq([304, 200] * 10)
      end
    end
  end
end
