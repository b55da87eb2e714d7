# frozen_string_literal: true

require "json"

RSpec.describe "examples/hello" do
  it "answers as its README says, and ends with exit status 0" do
    status = Command.run("examples/hello") do |server|
      RawClient.open(server.url) do |client|
        expect(client.get("/").body).to eq("Hello from Kino\n")
        expect(client.request("HEAD", "/").body).to eq("")
        expect(JSON.parse(client.get("/json").body)).to include("message" => "Hello", "ruby" => RUBY_VERSION)
        content = Random.bytes(300_000)
        expect(client.post("/echo", content).body == content).to be(true)
        expect(client.get("/stream").body).to eq("3...\n2...\n1...\nHello!\n")
        expect(client.get("/elsewhere").status).to eq(404)
      end
      expect(server.said).not_to match(/error/i)
    end
    expect(status).to be_success
  end

  it "starts with a few lines that tell what runs where" do
    Command.run("examples/hello") do |server|
      expect(server.said).to match(/^Kino \d+\.\d+\.\d+ \(ruby #{RUBY_VERSION}, threaded: .*\), pid \d+$/)
        .and match(%r{^Listening on http://127\.0\.0\.1:\d+$})
    end
  end
end
