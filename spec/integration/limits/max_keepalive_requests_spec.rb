# frozen_string_literal: true

RSpec.describe "max_keepalive_requests" do
  each_mode do
    let(:path) { shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } } }

    it "has the last request answered with connection: close, and closes" do
      converse(path, max_keepalive_requests: 3) do |client, server|
        answers = Array.new(3) { |n| client.get("/#{n}") }
        expect(answers.map { |answer| [answer.body, answer["connection"]] })
          .to eq([["/0", nil], ["/1", nil], ["/2", "close"]])
        expect(client).to be_closed
        eventually("it is counted") { server.stats[:max_keepalive_requests] == 1 }
        expect(RawClient.open(server.url) { |other| other.get("/other").body }).to eq("/other")
      end
    end

    it "counts pipelined ones, too, and leaves those past it unanswered" do
      seen = Channel.new
      app = shareable do
        lambda do |env|
          seen << env["PATH_INFO"]
          [200, {}, [env["PATH_INFO"]]]
        end
      end
      converse(app, max_keepalive_requests: 2) do |client|
        client.write(Array.new(4) { |n| RawClient.message("GET", "/#{n}") }.join)
        expect(Array.new(2) { client.read_response.body }).to eq(%w[/0 /1])
        expect(client).to be_closed
        expect([take(seen), take(seen), seen.empty?]).to eq(["/0", "/1", true])
      end
    end
  end
end
