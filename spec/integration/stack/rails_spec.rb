# frozen_string_literal: true

require "fileutils"
require "json"
require "rbconfig"
require "support/kino_process"
require "tmpdir"
require "zlib"

# What examples/rails-hello has no use for; its own spec shows sessions, flash, forms, uploads and Rack's 304.
RSpec.describe "A Rails app" do
  large = Random.bytes(3_000_000).freeze

  before(:context) do
    @folder = Dir.mktmpdir("kino-rails")
    FileUtils.cp_r(File.join(__dir__, "rails_app/."), @folder)
    Dir.mkdir("#{@folder}/public")
    { "large.bin" => large, "site.css" => "p {}", "site.css.gz" => Zlib.gzip("p {}"), "500.html" => "<h1>Sorry</h1>",
      "404.html" => "<h1>Nothing here</h1>" }.each { |name, text| File.binwrite("#{@folder}/public/#{name}", text) }
    kino = [RbConfig.ruby, "-W1", "-I#{KinoProcess::LIB}", KinoProcess::KINO]
    flags = %w[--early-hints -e production -b tcp://127.0.0.1:0 -w 1 -t 4]
    @server = KinoProcess.new([*kino, *flags],
                              env: KinoProcess::UNSET, chdir: @folder)
  end

  after(:context) do
    @server.kill
    FileUtils.rm_rf(@folder)
  end

  def visit(&block) = RawClient.open(@server.url, &block)

  def go_on = visit { |client| client.get("/go_on") }

  def next_chunk(client)
    part = client.read(Integer(client.read_through("\r\n").chomp, 16))
    client.read_through("\r\n")
    part
  end

  describe "with ActionController::Live" do
    it "sends each line when it is written" do
      visit do |client|
        head = client.write(RawClient.message("GET", "/live/lines")).read_head
        expect(head.last).to include(%w[transfer-encoding chunked], ["content-type", "text/plain; charset=utf-8"])
        expect(next_chunk(client)).to eq("first\n")
        go_on
        expect(next_chunk(client)).to eq("second\n")
        go_on
        expect(client.read_chunks).to eq("third\n")
        expect(client.get("/live/events").status).to eq(200)
      end
    end

    it "sends server-sent events" do
      visit do |client|
        2.times do
          events = client.get("/live/events")
          expect(events["content-type"]).to eq("text/event-stream; charset=utf-8")
          expect(events.body).to eq([0, 1].map { |n| "event: tick\nid: #{n}\ndata: {\"number\":#{n}}\n\n" }.join)
        end
      end
    end

    it "is told when the client has left" do
      client = RawClient.open(@server.url).write(RawClient.message("GET", "/live/leave"))
      client.read(50_000)
      client.abort
      expect(visit { |other| other.get("/live/left").body }).to eq("ActionController::Live::ClientDisconnected")
    end

    it "renders a page with a style sheet, of which Rails gives an early hint" do
      visit do |client|
        response = client.get("/live/page")
        response = client.read_response if response.status == 103
        expect([response.status, response.body]).to match([200, %r{<p>Welcome</p>}])
      end
    end
  end

  it "gives early hints, and then the page" do
    visit do |client|
      hints = client.get("/page")
      expect([hints.status, hints["link"]]).to eq([103, "</site.css>; rel=preload; as=style; nopush"])
      page = client.read_response
      expect([page.status, page["link"]]).to eq([200, hints["link"]])
      expect(page.body).to include("<p>Welcome</p>")
    end
  end

  it "renders a page as a stream" do
    visit do |client|
      response = client.get("/streamed")
      response = client.read_response if response.status == 103
      expect([response.status, response.framing]).to eq([200, :chunked])
      expect(response.body).to eq("<html><head><link rel=\"stylesheet\" href=\"/site.css\" /></head>\n" \
                                  "<p>Welcome</p>\n</html>\n")
    end
  end

  it "sends a file by send_file, or leaves that to the proxy" do
    visit do |client|
      path = "/report?path=#{@folder}/public/large.bin"
      file = client.get(path)
      expect([file.status, file["content-type"], file.body == large]).to eq([200, "application/pdf", true])
      expect(file["content-disposition"]).to include("filename*=UTF-8''Zo%C3%AB%27s%20report.pdf")
      head = client.request("HEAD", path)
      expect([head.status, head["content-type"], head.body]).to eq([200, "application/pdf", ""])
      handed_on = client.get(path, { "x-accel-mapping" => "#{@folder}/public/=/internal/" })
      expect([handed_on["x-accel-redirect"], handed_on["content-length"]]).to eq(["/internal/large.bin", "0"])
      expect(handed_on["content-type"]).to eq("application/pdf")
    end
  end

  it "sends data by send_data" do
    data = visit { |client| client.get("/data") }
    expect(data.body).to eq([*0..255].pack("C*"))
    expect([data["content-type"], data["content-length"]]).to eq(%w[application/octet-stream 256])
    expect(data["content-disposition"]).to eq("inline; filename=\"bytes.bin\"; filename*=UTF-8''bytes.bin")
  end

  it "answers 304 by fresh_when, by etag and by date" do
    visit do |client|
      first = client.get("/fresh?version=1")
      expect([first.status, first.body, first["cache-control"]]).to eq([200, "version 1", "public"])
      [{ "if-none-match" => first["etag"] }, { "if-modified-since" => first["last-modified"] }].each do |headers|
        seen = client.get("/fresh?version=1", headers)
        expect([seen.status, seen["etag"], seen.body]).to eq([304, first["etag"], ""])
      end
      expect(client.get("/fresh?version=2", { "if-none-match" => first["etag"] }).body).to eq("version 2")
    end
  end

  it "reads params of JSON, and answers 400 to what is none" do
    visit do |client|
      json = { "content-type" => "application/json" }
      expect(JSON.parse(client.post("/sum", '{"numbers":[1,2,39]}', json).body)).to eq("sum" => 42)
      expect(["{", "{}"].map { |body| client.post("/sum", body, json).status }).to eq([400, 400])
      expect(JSON.parse(client.post("/sum", '{"numbers":[1]}', json).body)).to eq("sum" => 1)
    end
  end

  it "takes several files and a nested field, and has the files removed" do
    body = %w[a b].map do |name|
      "--mark\r\ncontent-disposition: form-data; name=\"files[]\"; filename=\"#{name}.txt\"\r\n" \
        "content-type: text/plain\r\n\r\n#{name * 100_000}\r\n"
    end.join + "--mark\r\ncontent-disposition: form-data; name=\"form[title]\"\r\n\r\nZo\u00eb\r\n--mark--\r\n"
    answer = visit { |client| client.post("/upload", body, { "content-type" => "multipart/form-data; boundary=mark" }) }
    told = JSON.parse(answer.body)
    expect(told.slice("title", "files")).to eq("title" => "Zo\u00eb", "files" => [["a.txt", "text/plain", 100_000],
                                                                                  ["b.txt", "text/plain", 100_000]])
    eventually("the files are removed") { told["paths"].size == 2 && told["paths"].none? { |path| File.exist?(path) } }
  end

  it "sets several cookies, and reads its own" do
    response = visit { |client| client.get("/jar") }
    expect(response.values("set-cookie")).to match([/\Aplain=one; path=\/; SameSite=Lax\z/i, /\Asecret=.+; httponly/i])
    expect(response.body).to eq("two")
  end

  it "shows its pages for errors" do
    visit do |client|
      failed = client.get("/failing")
      expect([failed.status, failed.body]).to eq([500, "<h1>Sorry</h1>"])
      missing = client.get("/nowhere")
      expect([missing.status, missing.body]).to eq([404, "<h1>Nothing here</h1>"])
    end
  end

  it "sends what lies in public, compressed, in part, and as often as it has changed" do
    visit do |client|
      file = client.get("/site.css", { "accept-encoding" => "gzip" })
      expect([file["content-type"], file["content-encoding"]]).to eq(%w[text/css gzip])
      expect(Zlib.gunzip(file.body)).to eq("p {}")
      expect(client.get("/site.css", { "if-modified-since" => file["last-modified"] }).status).to eq(304)
      part = client.get("/large.bin", { "range" => "bytes=1000-2000999" })
      expect([part.status, part.body == large[1000, 2_000_000]]).to eq([206, true])
    end
  end
end
