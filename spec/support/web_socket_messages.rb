# frozen_string_literal: true

require_relative "web_socket"
require_relative "web_socket_echo"

# What is the same of a WebSocket however it was asked for. The group has `app`, and is told what makes the difference:
# settings of the server, and of the client.
RSpec.shared_examples "a WebSocket that carries messages" do |settings, options|
  # Yields a client that has shaken hands, and the server.
  define_method(:talk) do |**others, &block|
    serve(app, **settings) do |server|
      WebSocketClient.open(server.url, **options, **others) { |client| block.call(client, server) }
    end
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
      WebSocketClient.open(server.url, **options) do |other|
        expect(other.send_text("close me").closed).to eq([3001, "as you like"])
      end
    end
  end
end
