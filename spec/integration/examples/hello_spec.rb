# frozen_string_literal: true

require "json"

RSpec.describe "examples/hello" do
  before { @server = Example.start("hello") }
  after { @server.kill }

  it "answers as its README says, and ends with exit status 0" do
    RawClient.open(@server.url) do |client|
      expect(client.get("/").body).to eq("Hello from Kino\n")
      expect(client.request("HEAD", "/").body).to eq("")
      expect(JSON.parse(client.get("/json").body)).to include("message" => "Hello", "ruby" => RUBY_VERSION)
      content = Random.bytes(300_000)
      expect(client.post("/echo", content).body == content).to be(true)
      expect(client.get("/stream").body).to eq("3...\n2...\n1...\nHello!\n")
      expect(client.get("/elsewhere").status).to eq(404)
    end
    expect(@server.signal(:TERM).status).to eq(0)
    expect(Example.complaints(@server)).to eq("")
  end

  it "starts with a few lines that tell what runs where" do
    @server.url
    mode = RUBY_VERSION < "4.0" ? "threaded" : "ractor"
    expect(@server.out).to match(/^Kino \d+\.\d+\.\d+ \(ruby #{RUBY_VERSION}, #{mode}: .*\), pid \d+$/)
      .and match(%r{^Listening on http://127\.0\.0\.1:\d+$})
  end
end
