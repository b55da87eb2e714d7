# frozen_string_literal: true

require "support/web_socket_messages"

RSpec.describe "A WebSocket" do
  include Descriptors

  each_mode do
    before { only_in(:threaded, "websocket-driver can't run in ractors: it loads classes late, and its C isn't safe") }

    WebSocketEcho::WAYS.each_key do |way|
      context "by #{way}" do
        let(:app) { WebSocketEcho.new(way) }

        it_behaves_like "a WebSocket that carries messages", {}, {}

        def text(size) = Random.bytes(size).unpack1("H*")[0, size]

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
