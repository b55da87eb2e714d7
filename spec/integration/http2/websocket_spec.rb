# frozen_string_literal: true

require "support/web_socket_messages"

RSpec.describe "A WebSocket over HTTP/2" do
  each_mode do
    before { only_in(:threaded, "websocket-driver can't run in ractors: it loads classes late, and its C isn't safe") }

    WebSocketEcho::WAYS.each_key do |way|
      context "by #{way}" do
        let(:app) { WebSocketEcho.new(way) }

        it_behaves_like "a WebSocket that carries messages", { http2: true }, { http2: true }

        it "leaves the app alone with a client that leaves without a word" do
          serve(app, http2: true) do |server|
            3.times { WebSocketClient.open(server.url, http2: true) { |one| expect(one.echo("here")).to eq("here") } }
            eventually("all are over") { server.stats.values_at(:tunnels, :connections) == [0, 0] }
          end
        end

        it "is one of a hundred on one connection that take no thread of one worker's three, which answers others" do
          serve(app, http2: true, workers: 1, threads: 3) do |server|
            Http2Client.open(server.url) do |client|
              fields = { "sec-websocket-version" => "13" }
              streams = Array.new(100) { |number| (2 * number) + 1 }
              streams.each do |stream|
                head = client.connect(stream, "websocket", "/", fields).read_head(stream)
                expect(head.last).to include(%w[:status 200])
              end
              # A message of one frame, with a mask that changes nothing.
              streams.each { |stream| client.data(stream, "\x81\x83\0\0\0\0#{stream.to_s.rjust(3)}", ends: false) }
              expect(client.get(201).body).to eq("ordinary")
              expect(streams.map { |stream| client.read_data(stream, 5) })
                .to eq(streams.map { |stream| "\x81\x03#{stream.to_s.rjust(3)}".b })
              expect(server.stats).to include(tunnels: 100, running: 0)
            end
            eventually("all are over") { server.stats[:tunnels].zero? }
          end
        end
      end
    end
  end
end
