# frozen_string_literal: true

RSpec.describe "A request's body" do
  each_mode(of_one_process: true) do
    # Answers the body and what the env says of it.
    let(:app) do
      shareable do
        lambda do |env|
          told = env.values_at("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_TRAILER_X")
          Probes.answer([env["rack.input"].read, *told])
        end
      end
    end

    def send_chunked(client, *parts)
      client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
      parts.each { |part| client.write(part) }
      Probes.read(client.read_response)
    end

    it "is as long as content-length says; the rest is the next request" do
      converse(app) do |client|
        client.write(RawClient.message("POST", "/", {}, "hello") + RawClient.message("POST", "/", {}, "wide world"))
        expect(Probes.read(client.read_response)).to eq(["hello", "5", nil, nil])
        expect(Probes.read(client.read_response)).to eq(["wide world", "10", nil, nil])
      end
    end

    it "is empty with a content-length of 0" do
      expect(Probes.read(ask(app, "POST", "/", { "content-length" => "0" })).first(2)).to eq(["", "0"])
    end

    it "is decoded from chunks, and has a length, since all of it has come" do
      converse(app) do |client|
        expect(send_chunked(client, "5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n"))
          .to eq(["hello world", "11", nil, nil])
      end
    end

    it "may be chunked and empty" do
      converse(app) { |client| expect(send_chunked(client, "0\r\n\r\n")).to eq(["", "0", nil, nil]) }
    end

    it "may have chunk extensions, sizes in either case with zeros before, and trailers, which are no headers" do
      parts = ["0A;name=value;other=\"q\"\r\n0123456789\r\n", "00000a\r\n0123456789\r\n",
               "0;last\r\ntrailer-x: y\r\n\r\n"]
      converse(app) { |client| expect(send_chunked(client, *parts)).to eq(["01234567890123456789", "20", nil, nil]) }
    end

    it "may have chunks that hold what looks like chunks" do
      tricky = "0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
      converse(app) do |client|
        expect(send_chunked(client, "#{tricky.bytesize.to_s(16)}\r\n#{tricky}\r\n0\r\n\r\n").first).to eq(tricky)
        expect(client.get.status).to eq(200)
      end
    end

    it "may come a byte at a time" do
      converse(app) do |client|
        client.socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
        expect(send_chunked(client, *"3;x\r\nabc\r\nC\r\nhello, world\r\n0\r\nt: v\r\n\r\n".chars).first)
          .to eq("abchello, world")
        expect(send_chunked(client, "1\r\nx\r\n0\r\n\r\n").first).to eq("x")
      end
    end

    it "need not be read: the next request is found all the same" do
      ignorant = shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } }
      converse(ignorant) do |client|
        [10, 100_000].each do |size|
          expect(client.post("/#{size}", "GET /smuggled HTTP/1.1\r\n\r\n" * (size / 10)).body).to eq("/#{size}")
          expect(client.get("/next").body).to eq("/next")
        end
      end
    end

    it "may belong to any method" do
      converse(app) do |client|
        expect(Probes.read(client.request("GET", "/", {}, "body")).first).to eq("body")
        expect(Probes.read(client.request("DELETE", "/", {}, "body")).first).to eq("body")
      end
    end
  end
end
