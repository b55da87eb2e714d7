# frozen_string_literal: true

RSpec.describe "A connection's timeouts" do
  each_mode do
    # Sends bytes one by one until the server answers, which it has to do in the midst of them.
    def drip(client, byte)
      client.write(byte) until client.readable?(0.02)
      client.read_response
    end

    it "answer 408 to a head that drips byte by byte past header_timeout" do
      converse(Probes::Echo, header_timeout: 0.3) do |client, server|
        response = drip(client.write("GET / HTTP/1.1\r\nx-slow: "), "x")
        expect([response.status, response["connection"]]).to eq([408, "close"])
        expect(client).to be_closed
        expect(server.stats).to include(header_timeout: 1, timed_out: 1, keepalive_timeout: 0, requests: 0)
      end
    end

    # Sends these bytes in turns; true once the server has closed in the midst of it, without a word.
    def ended_while_sending?(client, bytes)
      eventually("the connection is closed") do
        client.write(bytes.first)
        bytes.rotate!
        client.readable?(0.02)
      end
      client.closed?
    rescue Errno::EPIPE, Errno::ECONNRESET
      true
    end

    [%W[\r \n], ["\r\n"]].each do |bytes|
      it "end a new connection on which only empty lines come (#{bytes})" do
        converse(Probes::Echo, header_timeout: 0.3, keepalive_timeout: 0.3) do |client, server|
          expect(ended_while_sending?(client, bytes.dup)).to be(true)
          expect(server.stats).to include(keepalive_timeout: 1, timed_out: 0, requests: 0)
        end
      end

      it "end one on which only empty lines come after a request (#{bytes})" do
        converse(Probes::Echo, header_timeout: 0.3, keepalive_timeout: 0.3) do |client, server|
          expect(client.post("/", "first").body).to eq("first")
          expect(ended_while_sending?(client, bytes.dup)).to be(true)
          expect(server.stats).to include(keepalive_timeout: 1, timed_out: 0, answered: 1)
        end
      end
    end

    it "answer 408 to a second head that stops past header_timeout, after a first one was served" do
      converse(Probes::Echo, header_timeout: 0.3) do |client, server|
        expect(client.post("/", "first").body).to eq("first")
        expect(client.write("GET / HT").read_response.status).to eq(408)
        expect(client).to be_closed
        expect(server.stats).to include(header_timeout: 1, answered: 1)
      end
    end

    ["content-length: 1000\r\n\r\nhalf", "transfer-encoding: chunked\r\n\r\nA\r\nhalf",
     "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"].each do |rest|
      it "answer 408 to a body that stops for body_timeout (#{rest.inspect})" do
        converse(Probes::Echo, body_timeout: 0.3) do |client, server|
          response = client.write("POST / HTTP/1.1\r\nhost: x\r\n#{rest}").read_response
          expect([response.status, response["connection"]]).to eq([408, "close"])
          expect(client).to be_closed
          expect(server.stats).to include(body_timeout: 1, timed_out: 1, header_timeout: 0, requests: 0)
        end
      end
    end

    it "let a body drip past body_timeout as long as no pause is as long" do
      converse(Probes::Echo, body_timeout: 1) do |client, server|
        client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n\r\n")
        30.times do
          sleep 0.05 # a twentieth of what each may take, and all of it is longer than one may
          client.write("x")
        end
        expect(client.read_response.body).to eq("x" * 30)
        expect(server.stats).to include(timed_out: 0)
      end
    end

    it "close what is idle between two requests for keepalive_timeout" do
      converse(Probes::Echo, keepalive_timeout: 0.3) do |client, server|
        expect(client.post("/", "first").body).to eq("first")
        expect(client).to be_closed
        expect(server.stats).to include(keepalive_timeout: 1, timed_out: 0, aborted: 0)
        eventually("the connection is closed") { server.stats[:connections].zero? }
      end
    end

    it "close what never says a word, by header_timeout" do
      converse(Probes::Echo, header_timeout: 0.3) do |client, server|
        expect(client).to be_closed
        expect(server.stats).to include(keepalive_timeout: 1, header_timeout: 0)
      end
    end
  end
end
