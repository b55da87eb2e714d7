# frozen_string_literal: true

require "socket"

# What a client that is still sending hears of an answer that has come early: closing at once would make the kernel
# reset the connection, and the reset destroy the answer on its way.
RSpec.describe "A client whose body is refused while it sends" do
  each_mode do
    let(:megabyte) { 1024 * 1024 }
    let(:body) { "x" * (8 * megabyte) }
    let(:chunks) { "#{body.bytesize.to_s(16)}\r\n#{body}\r\n0\r\n\r\n" }

    def refuse(**settings, &block) = serve(Probes::Echo, max_body_size: megabyte, **settings, &block)

    it "can send all of it, and reads the 413 afterwards" do
      refuse do |server, log|
        RawClient.open(server.url) do |client|
          response = client.post("/", body)
          expect([response.status, response["connection"]]).to eq([413, "close"])
          expect(client).to be_closed
        end
        RawClient.open(server.url) do |client|
          client.write(RawClient.message("POST", "/", { "transfer-encoding" => "chunked" })).write(chunks)
          expect(client.read_response.status).to eq(413)
          expect(client).to be_closed
        end
        log.wait_for(/answered with 413: .*max_body_size/)
        expect(server.stats).to include(max_body_size: 2)
      end
    end

    it "reads an app's answer, too, though that has not read the body" do
      app = shareable { ->(_) { [401, {}, ["who are you?"]] } }
      converse(app, stream_bodies: true, threads: 2) do |client|
        response = client.post("/", body)
        expect([response.status, response.body]).to eq([401, "who are you?"])
        expect(client).to be_closed
      end
    end

    it "is read away no further than 16 MiB" do
      refuse do |server, log|
        client = RawClient.open(server.url)
        client.write(RawClient.message("POST", "/", { "content-length" => (1024 * megabyte).to_s }))
        expect { 100.times { client.write(body) } }.to raise_error(SystemCallError)
        log.allow
        eventually("it is closed") { server.stats[:connections].zero? }
        client.close
      end
    end
  end
end
