# frozen_string_literal: true

require "fileutils"
require "rack/files"
require "tmpdir"

RSpec.describe "Rack::Files" do
  include Descriptors

  digits = "0123456789" * 10
  large = Random.bytes(3_000_000).freeze

  each_mode do
    before { only_in :threaded, "Rack::Files holds a lambda of its own, which can't be shared" }

    around do |example|
      Dir.mktmpdir("kino-files") do |folder|
        @folder = File.realpath(folder)
        write("secret.txt", "not for the public")
        write("public/page.html", "<p>Zo\u00eb</p>")
        write("public/digits.txt", digits)
        write("public/large.bin", large)
        write("public/empty.css", "")
        write("public/a b/\u00fc.json", "{}")
        example.run
      end
    end

    let(:app) { Rack::Files.new("#{@folder}/public") }

    def write(path, content)
      full = File.join(@folder, path)
      FileUtils.mkdir_p(File.dirname(full))
      File.binwrite(full, content)
    end

    def modified(path) = File.mtime(File.join(@folder, "public", path)).httpdate

    def range(client, range, path = "/digits.txt") = client.get(path, { "range" => "bytes=#{range}" })

    it "sends a file whole, with its type, its length and the time it was modified" do
      converse(app) do |client|
        page = client.get("/page.html")
        expect([page.status, page.body]).to eq([200, "<p>Zo\u00eb</p>".b])
        expect([page["content-type"], page["content-length"]]).to eq(%w[text/html 11])
        expect(page["last-modified"]).to eq(modified("page.html"))
        expect(page["transfer-encoding"]).to be_nil
        expect(client.get("/digits.txt")["content-type"]).to eq("text/plain")
      end
    end

    it "sends a large file byte for byte, again and again over one connection" do
      converse(app) do |client|
        3.times do
          response = client.get("/large.bin")
          expect([response.framing, response.body == large]).to eq([3_000_000, true])
        end
        expect(client.get("/digits.txt").body).to eq(digits)
      end
    end

    it "sends many clients large files at once" do
      serve(app) do |server|
        bodies = concurrently(6) { RawClient.open(server.url) { |client| client.get("/large.bin").body } }
        expect(bodies.map { |body| body == large }).to eq([true] * 6)
      end
    end

    it "sends an empty file" do
      empty = ask(app, "GET", "/empty.css")
      expect([empty.status, empty["content-type"], empty.framing, empty.body]).to eq([200, "text/css", 0, ""])
    end

    it "finds a file by a path that had to be escaped" do
      expect(ask(app, "GET", "/a%20b/%C3%BC.json").body).to eq("{}")
    end

    it "sends one range" do
      converse(app) do |client|
        { "0-0" => ["0", "0-0"], "95-" => ["56789", "95-99"], "-3" => ["789", "97-99"],
          "98-2000" => ["89", "98-99"], "0-" => [digits, "0-99"] }.each do |asked, (content, sent)|
          part = range(client, asked)
          expect([part.status, part.body]).to eq([206, content])
          expect([part["content-range"], part["content-length"]]).to eq(["bytes #{sent}/100", content.size.to_s])
        end
      end
    end

    it "sends one range of a large file, byte for byte" do
      converse(app) do |client|
        part = range(client, "1000001-2999998", "/large.bin")
        expect([part.status, part["content-range"]]).to eq([206, "bytes 1000001-2999998/3000000"])
        expect(part.body == large[1_000_001..2_999_998]).to be(true)
      end
    end

    it "sends several ranges, each with a head of its own" do
      converse(app) do |client|
        parts = range(client, "0-1,5-7,-1")
        type, boundary = parts["content-type"].split("; boundary=")
        expect([parts.status, type, parts.framing]).to eq([206, "multipart/byteranges", parts.body.bytesize])
        expect(parts.body.split("--#{boundary}")).to match(
          ["\r\n",
           "\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/100\r\n\r\n01\r\n",
           "\r\ncontent-type: text/plain\r\ncontent-range: bytes 5-7/100\r\n\r\n567\r\n",
           "\r\ncontent-type: text/plain\r\ncontent-range: bytes 99-99/100\r\n\r\n9\r\n",
           "--\r\n"]
        )
        expect(client.get("/page.html").status).to eq(200)
      end
    end

    it "answers 416 to a range beyond the end, with the length there is" do
      converse(app) do |client|
        response = range(client, "100-200")
        expect([response.status, response["content-range"]]).to eq([416, "bytes */100"])
        expect(range(client, "0-1").body).to eq("01")
      end
    end

    it "sends the file whole where the range can't be read" do
      converse(app) do |client|
        ["bytes=5-2", "bytes=", "lines=1-2"].each do |wrong|
          response = client.get("/digits.txt", { "range" => wrong })
          expect([response.status, response.body]).to eq([200, digits])
        end
      end
    end

    it "answers HEAD with the head of GET, ranges too" do
      converse(app) do |client|
        head = client.request("HEAD", "/large.bin")
        expect([head.status, head["content-length"], head.body]).to eq([200, "3000000", ""])
        part = client.request("HEAD", "/large.bin", { "range" => "bytes=10-19" })
        expect([part.status, part["content-length"], part["content-range"]])
          .to eq([206, "10", "bytes 10-19/3000000"])
        expect(client.request("HEAD", "/nowhere").status).to eq(404)
        expect(client.get("/digits.txt").body).to eq(digits)
      end
    end

    it "answers 304 to who has the file as it is" do
      converse(app) do |client|
        time = modified("large.bin")
        seen = client.get("/large.bin", { "if-modified-since" => time })
        expect([seen.status, seen.body]).to eq([304, ""])
        expect(client.get("/large.bin", { "if-modified-since" => Time.at(0).httpdate }).body == large).to be(true)
      end
    end

    it "answers 404 for what isn't there or is no file" do
      converse(app) do |client|
        missing = client.get("/nowhere.txt")
        expect([missing.status, missing["content-type"], missing.body])
          .to eq([404, "text/plain", "File not found: /nowhere.txt\n"])
        expect(client.get("/a%20b").status).to eq(404)
      end
    end

    it "answers 405 to methods it doesn't have, and tells OPTIONS which it has" do
      converse(app) do |client|
        posted = client.post("/page.html", "body")
        expect([posted.status, posted["allow"]]).to eq([405, "GET, HEAD, OPTIONS"])
        options = client.request("OPTIONS", "/page.html")
        expect([options.status, options["allow"], options.body]).to eq([200, "GET, HEAD, OPTIONS", ""])
      end
    end

    %w[/../secret.txt /%2e%2e/secret.txt /..%2fsecret.txt /%2e%2e%2fsecret.txt /a%20b/../../secret.txt
       //../secret.txt /./../secret.txt /..\\secret.txt /..%5csecret.txt].each do |path|
      it "never leaves its folder for #{path}" do
        converse(app) do |client|
          response = client.get(path)
          expect([400, 404]).to include(response.status)
          expect(response.body).not_to include("not for the public")
          expect(client.get("/a%20b/../page.html").status).to eq(200)
        end
      end
    end

    it "answers 400 to a path with a zero byte" do
      expect(ask(app, "GET", "/page.html%00.txt").status).to eq(400)
    end

    it "has the file closed when the client leaves in the middle, and serves the next" do
      serve(app, threads: 1) do |server|
        leaving_nothing_open(server) do
          clients = Array.new(3) { RawClient.open(server.url).write(RawClient.message("GET", "/large.bin")) }
          clients.each { |client| client.read(10_000) }
          clients.each(&:abort)
          expect(RawClient.open(server.url) { |client| client.get("/digits.txt").body }).to eq(digits)
        end
      end
    end
  end
end
