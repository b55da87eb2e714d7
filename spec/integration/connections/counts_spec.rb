# frozen_string_literal: true

RSpec.describe "The counts of answers" do
  each_mode do
    # More than a socket takes whose client does not read.
    length = 16_000_000
    counts = ->(server) { server.stats.values_at(:requests, :running, :answered, :aborted) }

    define_method(:big) { shareable { ->(_) { [200, {}, ["x" * length]] } } }

    def leaves(server, counts)
      eventually("the engine has what is left of it") { counts.call(server).take(2) == [1, 0] }
      expect(counts.call(server)).to eq([1, 0, 0, 0])
    end

    it "have one that waits for its client when it has been sent whole" do
      converse(big) do |client, server|
        client.write(RawClient.message("GET", "/"))
        leaves(server, counts)
        expect(client.read_response.body.bytesize).to eq(length)
        eventually("it is counted") { counts.call(server) == [1, 0, 1, 0] }
      end
    end

    it "have it once, where its client leaves" do
      converse(big) do |client, server|
        client.write(RawClient.message("GET", "/"))
        leaves(server, counts)
        client.close
        eventually("it is counted") { counts.call(server) == [1, 0, 0, 1] }
      end
    end

    it "have it so over HTTP/2, too" do
      speak(big) do |client, server|
        client.request(1, "GET", "/")
        leaves(server, counts)
        expect(client.answer(1).body.bytesize).to eq(length)
        eventually("it is counted") { counts.call(server) == [1, 0, 1, 0] }
        client.request(3, "GET", "/")
        eventually("the engine has what is left of it") { counts.call(server) == [2, 0, 1, 0] }
        client.frame(:rst_stream, 0, 3, [8].pack("N"))
        eventually("it is counted") { counts.call(server) == [2, 0, 1, 1] }
        client.request(5, "GET", "/")
        eventually("the engine has what is left of it") { counts.call(server) == [3, 0, 1, 1] }
        client.close
        eventually("it is counted") { counts.call(server) == [3, 0, 1, 2] }
      end
    end
  end
end
