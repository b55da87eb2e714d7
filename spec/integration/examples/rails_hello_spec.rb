# frozen_string_literal: true

require "digest"
require "json"

RSpec.describe "examples/rails-hello" do
  before(:context) { @server = Example.start("rails-hello", "-w", "1", "-t", "4") }
  after(:context) { @server.kill }

  def visit(&block) = Browser.open(@server.url, &block)

  it "shows a page from a view, and counts visits in the session" do
    visit do |browser|
      first = browser.get("/")
      expect([first.code, first["content-type"]]).to eq(["200", "text/html; charset=utf-8"])
      expect(first.body).to include("<h1>Hello, stranger</h1>").and match(/Visit 1, served by kino\b/i)
      expect(browser.get("/").body).to include("Visit 2, ")
    end
  end

  it "answers JSON" do
    visit do |browser|
      about = browser.get("/about")
      expect(about["content-type"]).to eq("application/json; charset=utf-8")
      expect(JSON.parse(about.body)).to include("ruby" => RUBY_VERSION, "environment" => "production",
                                                "rails" => /\A\d+\.\d+/, "server" => /\Akino/i)
    end
  end

  it "takes a form, and greets once by flash and from then on by session" do
    visit do |browser|
      greeted = browser.submit(browser.get("/"), "greeting", { "name" => "Zo\u00eb <i>" })
      body = greeted.body.force_encoding(Encoding::UTF_8)
      expect(body).to include("<h1>Hello, Zo\u00eb &lt;i&gt;</h1>", "Nice to meet you, Zo\u00eb &lt;i&gt;.")
      later = browser.get("/").body
      expect(later).to include("<h1>Hello, Zo")
      expect(later).not_to include("Nice to meet you")
    end
  end

  it "refuses a form without its token" do
    visit { |browser| expect(browser.post("/greeting", { "name" => "Mallory" }).code).to eq("422") }
  end

  it "streams lines as they are made" do
    visit do |browser|
      parts = []
      browser.get("/stream?lines=4&pause=0.3") do |response|
        expect(response["transfer-encoding"]).to eq("chunked")
        response.read_body { |part| parts << part }
      end
      expect(parts.join).to eq((1..4).map { |n| "line #{n} of 4\n" }.join)
      expect(parts.size).to be > 1
    end
  end

  [0, 10, 100_000, 5_000_000].each do |size|
    it "tells size and digest of a file of #{size} bytes" do
      content = Random.bytes(size)
      visit do |browser|
        answer = browser.submit(browser.get("/"), "upload", { "file" => ["a file.bin", content] })
        expect(JSON.parse(answer.body)).to eq("name" => "a file.bin", "size" => size,
                                              "sha256" => Digest::SHA256.hexdigest(content))
      end
    end
  end

  it "answers 404, 400 and a conditional 304" do
    visit { |browser| expect(browser.get("/nowhere").code).to eq("404") }
    RawClient.open(@server.url) do |client|
      etag = client.get("/about")["etag"]
      expect(client.get("/about", { "if-none-match" => etag }).status).to eq(304)
      expect(client.request("HEAD", "/about").status).to eq(200)
      expect(client.get("/about").status).to eq(200)
    end
  end

  it "serves many visitors at once, each with a session of their own" do
    outcomes = concurrently(8) do |number|
      visit do |browser|
        name = "visitor #{number}"
        content = Random.bytes(50_000 + number)
        Array.new(5) do |round|
          page = round.zero? ? browser.submit(browser.get("/"), "greeting", { "name" => name }) : browser.get("/")
          uploaded = browser.submit(page, "upload", { "file" => ["#{number}.bin", content] })
          streamed = browser.get("/stream?lines=20&pause=0")
          [page.body.include?("Hello, #{name}<"), page.body.include?("Visit #{round + 2},"),
           JSON.parse(uploaded.body)["sha256"] == Digest::SHA256.hexdigest(content),
           streamed.body.lines.size == 20, JSON.parse(browser.get("/about").body)["environment"] == "production"]
        end
      end
    end
    expect(outcomes.flatten).to eq([true] * 200)
  end

  it "ends with exit status 0, and has nothing to complain about" do
    server = Example.start("rails-hello")
    expect(Browser.open(server.url) { |browser| browser.get("/").code }).to eq("200")
    expect(server.signal(:TERM).status).to eq(0)
    expect(server.err).to eq("")
  end
end
