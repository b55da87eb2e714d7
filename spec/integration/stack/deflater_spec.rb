# frozen_string_literal: true

require "rack/deflater"
require "rack/files"
require "tmpdir"
require "zlib"

RSpec.describe "Rack::Deflater" do
  # Half of it is words, so that it shrinks, and half is noise, so that it stays large.
  large = Array.new(500) { |n| "a part of a large body, number #{n}\n".b * 28 + Random.bytes(1_000) }.freeze

  each_mode do
    let(:gzip) { { "accept-encoding" => "gzip" } }

    # Deflates the answers of an app that gives a copy of the body.
    def deflating(body, headers = {}, status: 200)
      Ractor.make_shareable([body, headers])
      shareable { Rack::Deflater.new(->(_) { [status, headers.dup, body.dup] }) }
    end

    # The next chunks of a body, until they inflate to so many bytes.
    def inflated(client, inflater, size)
      text = +""
      until text.bytesize >= size
        text << inflater.inflate(client.read(Integer(client.read_through("\r\n").chomp, 16)))
        client.read_through("\r\n")
      end
      text
    end

    def gunzip(response) = Zlib.gunzip(response.body)

    it "compresses an Array body, whose length is then not known" do
      response = ask(deflating(%w[one two], { "content-length" => "6" }), "GET", "/", gzip)
      expect(gunzip(response)).to eq("onetwo")
      expect(response.values("content-encoding")).to eq(["gzip"])
      expect(response.values("vary")).to eq(["Accept-Encoding"])
      expect([response.framing, response.values("content-length")]).to eq([:chunked, []])
    end

    it "compresses an empty Array body" do
      response = ask(deflating([]), "GET", "/", gzip)
      expect([response["content-encoding"], gunzip(response)]).to eq(["gzip", ""])
    end

    it "lets each part of an each body arrive, and decode, before the next is made" do
      go_on = Channel.new
      rest = shareable do
        lambda do |out|
          %w[second third].each do |part|
            go_on.pop
            out.call("#{part} ")
          end
        end
      end
      converse(deflating(Bodies::Each.new("first ", &rest))) do |client|
        client.write(RawClient.message("GET", "/", gzip)).read_head
        inflater = Zlib::Inflate.new(Zlib::MAX_WBITS + 16)
        expect(inflated(client, inflater, 6)).to eq("first ")
        go_on << true
        expect(inflated(client, inflater, 7)).to eq("second ")
        go_on << true
        expect(inflater.inflate(client.read_chunks)).to eq("third ")
        expect(inflater.finished?).to be(true)
      end
    end

    it "compresses a large body, whatever its kind" do
      [large, Bodies::Each.new(*large), Bodies::Listed.new(*large)].each do |body|
        response = ask(deflating(body), "GET", "/", gzip)
        expect(response.body.bytesize).to be_between(500_000, 1_000_000)
        expect(gunzip(response) == large.join).to be(true)
      end
    end

    it "compresses a file that an app gives by to_path" do
      Dir.mktmpdir do |folder|
        path = File.join(folder, "file")
        File.binwrite(path, large.join)
        response = ask(deflating(Bodies::Filed.new(path)), "GET", "/", gzip)
        expect(response["content-encoding"]).to eq("gzip")
        expect(gunzip(response) == large.join).to be(true)
      end
    end

    it "answers HEAD with the head of a compressed answer, and keeps the connection" do
      converse(deflating(Bodies::Each.new("one", "two"))) do |client|
        head = client.request("HEAD", "/", gzip)
        expect([head.status, head["content-encoding"], head.body]).to eq([200, "gzip", ""])
        expect(gunzip(client.get("/", gzip))).to eq("onetwo")
      end
    end

    it "leaves the body as it is for a client that hasn't asked for gzip" do
      converse(deflating(%w[one two])) do |client|
        [{}, { "accept-encoding" => "identity" }, { "accept-encoding" => "br, gzip;q=0" }].each do |headers|
          response = client.get("/", headers)
          expect([response.body, response["content-length"], response["content-encoding"]]).to eq(["onetwo", "6", nil])
          expect(response["vary"]).to eq("Accept-Encoding")
        end
      end
    end

    it "answers 406 to a client that takes neither gzip nor the body as it is" do
      response = ask(deflating(%w[one two]), "GET", "/a?b", { "accept-encoding" => "gzip;q=0, identity;q=0" })
      expect([response.status, response["content-encoding"]]).to eq([406, nil])
      expect(response.body).to include("/a?b")
    end

    it "leaves answers alone that have no body, and those that are encoded already" do
      [204, 304].each do |status|
        response = ask(deflating([], status: status), "GET", "/", gzip)
        expect([response.status, response["content-encoding"], response.body]).to eq([status, nil, ""])
      end
      encoded = ask(deflating(["as if"], { "content-encoding" => "br" }), "GET", "/", gzip)
      expect([encoded["content-encoding"], encoded["content-length"], encoded.body]).to eq(%w[br 5] << "as if")
    end

    it "compresses many answers, one after another over one connection" do
      converse(deflating(Bodies::Each.new(*large.first(20)))) do |client|
        20.times { expect(gunzip(client.get("/", gzip)) == large.first(20).join).to be(true) }
      end
    end

    it "does not make an answer look whole whose body has raised half-way" do
      failing = Bodies::Each.new("one ", &shareable { ->(_) { raise "no more" } })
      converse(deflating(failing)) do |client, _, log|
        expect { client.get("/", gzip) }.to raise_error(RawClient::Truncated)
        log.wait_for(/no more/)
      end
    end

    it "has the body closed once" do
      told = Channel.new
      ask(deflating(Bodies::Each.new("one", told: told)), "GET", "/", gzip)
      expect(Bodies.calls(told)).to eq(%i[each close])
    end
  end
end
