# frozen_string_literal: true

require "support/web_socket"
require "support/web_socket_echo"

RSpec.describe "A WebSocket" do
  include Descriptors

  each_mode do
    before { only_in(:threaded, "websocket-driver can't run in ractors: it loads classes late, and its C isn't safe") }

    WebSocketEcho::WAYS.each_key do |way|
      context "by #{way}" do
        let(:app) { WebSocketEcho.new(way) }

        # Yields a client that has shaken hands, and the server.
        def talk(**options)
          serve(app) { |server| WebSocketClient.open(server.url, **options) { |client| yield client, server } }
        end

        def text(size) = Random.bytes(size).unpack1("H*")[0, size]

        it "carries messages of every size that is framed in its own way" do
          talk do |client|
            [0, 1, 125, 126, 65_535, 65_536, 1_000_000].each do |size|
              message = text(size)
              expect(client.echo(message) == message).to be(true), "#{size} bytes"
            end
          end
        end

        it "carries a message that comes in several frames" do
          talk do |client|
            expect(client.send_fragments("one, ", "two, ", text(70_000), " and last").message)
              .to match(/\Aone, two, \h{70000} and last\z/)
            expect(client.echo("Zo\u00eb")).to eq("Zo\u00eb")
          end
        end

        it "loses nothing of what the client has sent right behind its request" do
          early = ["at once", text(100_000), "and more"]
          talk(early: early) do |client|
            expect(early.map { client.message }).to eq(early)
            expect(client.echo("later")).to eq("later")
          end
        end

        it "is pinged from either end" do
          talk do |client|
            expect([client.ping("of mine"), client.ping("")]).to eq([true, true])
            expect(client.echo("ping me")).to eq("ponged")
          end
        end

        it "is closed from either end, with a code" do
          talk do |client, server|
            expect(client.close(4000, "enough")).to eq([4000, "enough"])
            WebSocketClient.open(server.url) do |other|
              expect(other.send_text("close me").closed).to eq([3001, "as you like"])
            end
          end
        end

        it "leaves the app alone with a client that leaves without a word" do
          serve(app) do |server|
            leaving_nothing_open(server) do
              3.times { WebSocketClient.open(server.url) { |client| expect(client.echo("here")).to eq("here") } }
            end
          end
        end

        it "is one of a hundred that take no thread of one worker's three, which answers others meanwhile" do
          serve(app, workers: 1, threads: 3) do |server|
            leaving_nothing_open(server) do
              clients = Array.new(100) { WebSocketClient.open(server.url) }
              RawClient.open(server.url) do |ordinary|
                clients.each_with_index do |client, number|
                  client.send_text("I am #{number}")
                  expect(ordinary.get.body).to eq("ordinary")
                end
              end
              expect(clients.map(&:message)).to eq(Array.new(100) { |number| "I am #{number}" })
              expect(clients.map(&:close).uniq).to eq([[1000, ""]])
            end
          end
        end

        it "is no concern of a server that stops, and goes on after it" do
          not_of_processes "each ends with its server"
          serve(app) do |server|
            clients = Array.new(3) { WebSocketClient.open(server.url) }
            expect(clients.map { |client| client.echo("before") }).to eq(["before"] * 3)
            expect([server.stop, server.running?]).to eq([true, false])
            expect(clients.map { |client| client.echo(text(200_000)).size }).to eq([200_000] * 3)
            expect(clients.map(&:close).uniq).to eq([[1000, ""]])
          end
        end
      end
    end
  end
end
