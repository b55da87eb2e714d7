# frozen_string_literal: true

RSpec.describe "A connection" do
  each_mode do
    let(:path) { shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } } }

    it "serves one request after another" do
      converse(path) do |client|
        200.times { |n| expect(client.get("/#{n}").body).to eq("/#{n}") }
      end
    end

    it "is shared by requests of every kind" do
      echo = shareable do
        ->(env) { env["PATH_INFO"] == "/chunks" ? [200, {}, Bodies::Each.new("a", "b")] : Probes::Echo.call(env) }
      end
      converse(echo) do |client|
        10.times do |n|
          expect(client.post("/", "body #{n}").body).to eq("body #{n}")
          expect(client.request("HEAD", "/").body).to eq("")
          expect(client.post("/", "x" * 70_000).body.bytesize).to eq(70_000)
          expect(client.get("/chunks").body).to eq("ab")
        end
      end
    end

    it "takes empty lines before a request, as old clients send after a body" do
      converse(path) do |client|
        expect(client.get("/1").body).to eq("/1")
        client.write("\r\n\r\n")
        expect(client.get("/2").body).to eq("/2")
      end
    end

    it "is closed when it was idle for keepalive_timeout" do
      converse(path, keepalive_timeout: 1) do |client|
        expect(client.get("/").status).to eq(200)
        expect(client).to be_closed
      end
    end

    it "that opens and closes without a word disturbs nobody" do
      serve(path, threads: 1) do |server|
        20.times { RawClient.open(server.url).close }
        20.times { RawClient.open(server.url).abort }
        expect(RawClient.open(server.url) { |client| client.get("/").status }).to eq(200)
      end
    end

    it "is one of many: more of them than threads, all kept alive" do
      serve(path, threads: 2) do |server|
        clients = Array.new(100) { RawClient.open(server.url) }
        3.times do |round|
          clients.each_with_index { |client, n| client.write(RawClient.message("GET", "/#{round}/#{n}")) }
          answers = clients.map(&:read_response)
          expect(answers.map(&:body)).to eq(Array.new(100) { |n| "/#{round}/#{n}" })
          clients = clients.zip(answers).map { |client, answer| kept(client, answer) || RawClient.open(server.url) }
        end
        clients.each(&:close)
      end
    end

    # The client, if it may ask for more. A busy one of several processes sends some elsewhere, and says so.
    def kept(client, answer)
      return client unless mode == :processes && answer["connection"] == "close"

      expect(client).to be_closed
      nil
    end

    it "answers what is no HTTP with 400 and closes" do
      converse(path) do |client, server, log|
        log.allow
        expect(client.write("what?\r\n\r\n").read_response.status).to eq(400)
        expect(client).to be_closed
        expect(RawClient.open(server.url) { |other| other.get("/").status }).to eq(200)
      end
    end
  end
end
