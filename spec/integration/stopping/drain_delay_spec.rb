# frozen_string_literal: true

RSpec.describe "A server with a drain_delay that is told to stop" do
  each_mode do
    let(:app) { shareable { ->(_) { [200, {}, ["served"]] } } }

    it "goes on, ending each connection with its answer, and drains when the delay is over" do
      serve(app, drain_delay: 1) do |server|
        client = RawClient.open(server.url)
        expect(client.get("/")["connection"]).to be_nil
        stopping = Thread.new { server.stop }
        parting = eventually("answers end their connections") do
          response = RawClient.open(server.url) { |other| other.get("/") }
          response if response["connection"] == "close"
        end
        expect(parting.body).to eq("served")
        expect(client.get("/")["connection"]).to eq("close")
        expect(client).to be_closed
        expect(stopping.value).to be(true)
        expect(server).not_to be_running
      end
    end

    it "does not wait for the delay when it is to end now" do
      stops_at_once
      serve(app, drain_delay: 3600, shutdown_timeout: 3600) do |server|
        stopping = Thread.new { server.stop }
        eventually("it parts") { RawClient.open(server.url) { |other| other.get("/") }["connection"] == "close" }
        server.stop!
        stopping.join
      end
    end
  end
end
