# frozen_string_literal: true

require "support/web_socket"
require "support/web_socket_echo"

RSpec.describe "A WebSocket over HTTP/2" do
  each_mode do
    before { only_in(:threaded, "websocket-driver can't run in ractors: it loads classes late, and its C isn't safe") }

    WebSocketEcho::WAYS.each_key do |way|
      context "by #{way}" do
        let(:app) { WebSocketEcho.new(way) }

        # Yields a client that has shaken hands, and the server.
        def talk(**options)
          serve(app, http2: true) do |server|
            WebSocketClient.open(server.url, http2: true, **options) { |client| yield client, server }
          end
        end

        def text(size) = Random.bytes(size).unpack1("H*")[0, size]

        it "carries messages of every size that is framed in its own way, in pieces, too" do
          talk do |client|
            [0, 1, 125, 126, 65_535, 65_536, 1_000_000].each do |size|
              message = text(size)
              expect(client.echo(message) == message).to be(true), "#{size} bytes"
            end
            expect(client.send_fragments("one, ", "two, ", text(70_000), " and last").message)
              .to match(/\Aone, two, \h{70000} and last\z/)
          end
        end

        it "loses nothing of what the client has sent right behind its request" do
          early = ["at once", text(100_000), "and more"]
          talk(early: early) do |client|
            expect(early.map { client.message }).to eq(early)
            expect(client.echo("later")).to eq("later")
          end
        end

        it "is pinged and closed from either end" do
          talk do |client, server|
            expect([client.ping("of mine"), client.echo("ping me")]).to eq([true, "ponged"])
            expect(client.close(4000, "enough")).to eq([4000, "enough"])
            WebSocketClient.open(server.url, http2: true) do |other|
              expect(other.send_text("close me").closed).to eq([3001, "as you like"])
            end
            eventually("both are over") { server.stats[:tunnels].zero? }
          end
        end

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
