# frozen_string_literal: true

RSpec.describe "Expect: 100-continue" do
  each_mode do
    let(:head) { "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n" }

    it "is answered with a 100, and then the body is read" do
      converse(Probes::Echo) do |client|
        2.times do |n|
          interim = client.write("#{head}content-length: 5\r\n\r\n").read_response
          expect([interim.status, interim.body]).to eq([100, ""])
          expect(client.write("body#{n}").read_response.body).to eq("body#{n}")
        end
      end
    end

    it "may come with a chunked body" do
      converse(Probes::Echo) do |client|
        expect(client.write("#{head}transfer-encoding: chunked\r\n\r\n").read_response.status).to eq(100)
        expect(client.write("3\r\nabc\r\n0\r\n\r\n").read_response.body).to eq("abc")
      end
    end

    it "holds no thread, however many clients wait, and their bodies come complete" do
      app = shareable { ->(env) { [200, {}, [env["rack.input"].class.name + env["rack.input"].read]] } }
      converse(app, threads: 4, lint: false) do |client, server|
        waiting = Array.new(4) { RawClient.open(server.url).write("#{head}content-length: 5\r\n\r\n") }
        expect(waiting.map { |one| one.read_response.status }).to eq([100] * 4)
        expect(client.get.status).to eq(200)
        expect(server.stats).to include(requests: 1)
        waiting.each { |one| one.write("bo") }
        expect(waiting.map { |one| one.write("dy!").read_response.body }).to eq(["StringIObody!"] * 4)
      ensure
        waiting&.each(&:close)
      end
    end

    it "is answered with the refusal that its head already calls for, and no 100" do
      converse(Probes::Echo, max_body_size: 4) do |client, server, log|
        response = client.write("#{head}content-length: 5\r\n\r\n").read_response
        expect([response.status, response["connection"], client.read_to_end]).to eq([413, "close", ""])
        expect(server.stats).to include(max_body_size: 1, requests: 0)
        log.wait_for(/answered with 413: .*\(max_body_size\)/)
      end
    end

    it "does not confuse a client that sends its body at once" do
      converse(Probes::Echo) do |client|
        client.write("#{head}content-length: 4\r\n\r\nbody")
        response = client.read_response
        response = client.read_response if response.status == 100
        expect([response.status, response.body]).to eq([200, "body"])
        expect(client.post("/", "next").body).to eq("next")
      end
    end

    it "is not answered where no body is announced" do
      converse(Probes::Echo) { |client| expect(client.write("#{head}\r\n").read_response.status).to eq(200) }
    end

    it "is not answered to HTTP/1.0, which does not know it" do
      converse(Probes::Echo) do |client|
        client.write("POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nbody")
        expect(client.read_response.body).to eq("body")
      end
    end

    it "is the only expectation there is" do
      converse(Probes::Echo) do |client, _, log|
        expect(client.post("/", "body", { "expect" => "cake" }).status).to eq(417)
        log.wait_for(/answered with 417: only the expectation 100-continue is known/)
      end
    end
  end
end
