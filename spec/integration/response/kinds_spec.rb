# frozen_string_literal: true

require "rack/body_proxy"
require "rack/files"
require "tmpdir"

RSpec.describe "A response body" do
  each_mode(of_one_process: true) do
    # Asks an app that answers with a copy of the body.
    def answer_with(body, headers = {}, **options)
      Ractor.make_shareable([body, headers])
      ask(shareable { ->(_) { [200, headers.dup, body.dup] } }, **options)
    end

    def with_file(content)
      Dir.mktmpdir do |folder|
        path = File.join(folder, "file").freeze
        File.binwrite(path, content)
        yield path
      end
    end

    it "that is an Array has the length of its parts' bytes" do
      response = answer_with(["Zo\u00eb", "", " and ", "\xFF\xFE".b, "I"])
      expect(response.body).to eq("Zo\xC3\xAB and \xFF\xFEI".b)
      expect([response["content-length"], response["transfer-encoding"]]).to eq(["12", nil])
    end

    it "that is an empty Array has the length 0" do
      expect(answer_with([])["content-length"]).to eq("0")
      expect(answer_with([""])["content-length"]).to eq("0")
    end

    it "with each is sent in chunks" do
      response = answer_with(Bodies::Each.new("one ", "two ", "three"))
      expect([response.body, response["transfer-encoding"]]).to eq(["one two three", "chunked"])
    end

    it "with each does not end at an empty part" do
      expect(answer_with(Bodies::Each.new("", "one", "", "two", "")).body).to eq("onetwo")
    end

    it "with each may have nothing to say" do
      expect(answer_with(Bodies::Each.new).body).to eq("")
    end

    it "with each may be an Enumerator" do
      app = shareable { ->(_) { [200, {}, Enumerator.new { |out| 3.times { |n| out << "part #{n}\n" } }] } }
      expect(ask(app).body).to eq("part 0\npart 1\npart 2\n")
    end

    it "with to_ary, such as Rack's BodyProxy, has a length" do
      closed = Channel.new
      response = ask(shareable { ->(_) { [200, {}, Rack::BodyProxy.new(%w[one two]) { closed << true }] } })
      expect([response.body, response["content-length"]]).to eq(%w[onetwo 6])
      expect(take(closed)).to be(true)
    end

    it "with a to_ary that gives no Array, such as Rails' streamed ones, is sent by each" do
      streamed = Class.new(Bodies::Each) { def to_ary = enum_for(:each) }
      response = answer_with(streamed.new("one", "two"), lint: false)
      expect([response.body, response["transfer-encoding"]]).to eq(%w[onetwo chunked])
    end

    it "with each and call is enumerated" do
      expect(answer_with(Bodies::Both.new("each")).body).to eq("each")
    end

    it "with call writes to a stream" do
      response = answer_with(Bodies::Called.new("one", "two"))
      expect([response.body, response["transfer-encoding"]]).to eq(%w[onetwo chunked])
    end

    it "with to_path is the file" do
      content = Random.bytes(3_000_000)
      with_file(content) do |path|
        expect(answer_with(Bodies::Filed.new(path)).body).to eq(content)
        sized = answer_with(Bodies::Filed.new(path), { "content-length" => "3000000" })
        expect([sized.framing, sized.body]).to eq([3_000_000, content])
      end
    end

    it "with to_path may be an empty file" do
      with_file("") { |path| expect(answer_with(Bodies::Filed.new(path)).body).to eq("") }
    end

    it "may be an open File, which is closed" do
      content = Random.bytes(1_000_000)
      with_file(content) do |path|
        closed = Channel.new
        app = shareable do
          lambda do |env|
            file = File.open(path, "rb")
            env["rack.response_finished"] << ->(*) { closed << file.closed? }
            [200, {}, file]
          end
        end
        expect(ask(app).body).to eq(content)
        expect(take(closed)).to be(true)
      end
    end

    it "may be a part of a file, which is Rack::Files' business" do
      only_in :threaded, "Rack::Files can't be shared, and uses constants that can't"

      with_file("0123456789") do |path|
        app = Rack::Files.new(File.dirname(path))
        expect(ask(app, "GET", "/file").body).to eq("0123456789")
        part = ask(app, "GET", "/file", { "range" => "bytes=2-4" })
        expect([part.status, part["content-range"], part.body]).to eq([206, "bytes 2-4/10", "234"])
      end
    end

    [1, 16_383, 16_384, 65_537, 20_000_000].each do |size|
      it "arrives whole with #{size} bytes, whatever its kind" do
        content = Random.bytes(size)
        parts = [content.byteslice(0, size / 3), content.byteslice(size / 3..)]
        [parts, Bodies::Each.new(*parts), Bodies::Listed.new(*parts), Bodies::Called.new(*parts)].each do |body|
          expect(answer_with(body, lint: false).body == content).to be(true)
        end
      end
    end

    it "may have very many parts" do
      # With the collector at every allocation, so many would take an hour and show no more.
      parts = Array.new(Serving::STRESS ? 200 : 20_000) { |n| "part #{n}\n" }
      [parts, Bodies::Each.new(*parts), Bodies::Called.new(*parts)].each do |body|
        expect(answer_with(body, lint: false).body).to eq(parts.join)
      end
    end
  end
end
