# frozen_string_literal: true

require "tmpdir"

RSpec.describe "How a response is framed" do
  each_mode(of_one_process: true) do
    let(:unsized) { shareable { ->(_) { [200, {}, Bodies::Each.new("one", "two")] } } }

    it "is by the app's content-length, where it has one" do
      response = ask(shareable { ->(_) { [200, { "content-length" => "6" }, Bodies::Each.new("one", "two")] } })
      expect([response.framing, response.body, response["transfer-encoding"]]).to eq([6, "onetwo", nil])
    end

    it "may have a content-length that is an Integer" do
      response = ask(shareable { ->(_) { [200, { "content-length" => 6 }, %w[one two]] } }, lint: false)
      expect([response["content-length"], response.body]).to eq(%w[6 onetwo])
    end

    it "is by chunks where the length is not known, and the connection stays" do
      converse(unsized) do |client|
        2.times { expect([client.get].map { |answer| [answer.framing, answer.body] }).to eq([[:chunked, "onetwo"]]) }
      end
    end

    it "is made anew of a body that the app gives in chunks already, as Rails does" do
      chunks = ["5\r\nhel", "lo\r\n", "6;x=y\r\n world\r\n0\r\n\r\n"]
      Ractor.make_shareable(chunks)
      [chunks, Bodies::Each.new(*chunks), Bodies::Called.new(*chunks)].each do |body|
        Ractor.make_shareable(body)
        app = shareable { ->(_) { [200, { "transfer-encoding" => "chunked", "content-length" => "3" }, body.dup] } }
        converse(app, lint: false) do |client|
          2.times do
            answer = client.get
            expect([answer.framing, answer.body, answer["content-length"]]).to eq([:chunked, "hello world", nil])
          end
          expect(client.write("GET / HTTP/1.0\r\n\r\n").read_response.body).to eq("hello world")
        end
      end
    end

    it "is made anew of a file that has chunks, too" do
      Dir.mktmpdir do |folder|
        path = File.join(folder, "chunks").freeze
        File.binwrite(path, "5\r\nhello\r\n0\r\n\r\n")
        app = shareable { ->(_) { [200, { "transfer-encoding" => "chunked" }, Bodies::Filed.new(path)] } }
        expect(ask(app, lint: false).body).to eq("hello")
      end
    end

    ["hello", "5\r\nhello\r\n0\r\n\r\njunk"].each do |given|
      it "is a 500 with #{given.inspect}, which the app says to be chunks" do
        app = shareable { ->(_) { [200, { "transfer-encoding" => "chunked" }, Bodies::Each.new(given)] } }
        converse(app, lint: false) do |client, _, log|
          expect(client.get.status).to eq(500)
          log.wait_for(/transfer-encoding is chunked, and its body is not well-formed/)
        end
      end
    end

    it "breaks off where chunks that the app has made do" do
      app = shareable { ->(_) { [200, { "transfer-encoding" => "chunked" }, Bodies::Each.new("5\r\nhello\r\n")] } }
      converse(app, lint: false) do |client, _, log|
        expect(client.write(RawClient.message("GET", "/")).read_to_end).to end_with("5\r\nhello\r\n")
        log.wait_for(/transfer-encoding is chunked, and its body is not well-formed/)
      end
    end

    it "is the server's business, not the app's transfer-encoding's" do
      response = ask(shareable { ->(_) { [200, { "transfer-encoding" => "gzip" }, ["plain"]] } }, lint: false)
      expect([response["transfer-encoding"], response["content-length"], response.body]).to eq([nil, "5", "plain"])
    end

    it "is by the end of the connection where HTTP/1.0 gets a body of unknown length" do
      converse(unsized) do |client|
        response = client.write("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").read_response
        expect([response.framing, response.body]).to eq([:until_close, "onetwo"])
        expect(response.names).not_to include("transfer-encoding", "content-length")
      end
    end

    it "closes the connection after HTTP/1.0" do
      converse(Probes::Env) do |client|
        response = client.write("GET / HTTP/1.0\r\n\r\n").read_response
        expect([response.status, response["connection"], client.closed?]).to eq([200, "close", true])
      end
    end

    it "keeps the connection where HTTP/1.0 asks for that, and says so" do
      converse(Probes::Env) do |client|
        2.times do
          response = client.write("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").read_response
          expect([response.status, response["connection"]]).to eq([200, "keep-alive"])
        end
      end
    end

    it "keeps the connection in HTTP/1.1 without a word" do
      converse(Probes::Env) { |client| 3.times { expect(client.get.names).not_to include("connection") } }
    end

    { "the client" => [{ "connection" => "close" }, {}.freeze],
      "the client, among other things" => [{ "connection" => "TE, Close" }, {}.freeze],
      "the app" => [{}, { "connection" => "close" }.freeze] }.each do |who, (asked, answered)|
      it "closes the connection where #{who} says so, and says it" do
        converse(shareable { ->(_) { [200, answered.dup, ["last"]] } }) do |client|
          response = client.get("/", asked)
          expect([response.body, response["connection"], client.closed?]).to eq(["last", "close", true])
        end
      end

      it "closes the connection after chunks too where #{who} says so" do
        converse(shareable { ->(_) { [200, answered.dup, Bodies::Each.new("last")] } }) do |client|
          response = client.get("/", asked)
          expect([response.framing, response.body, client.closed?]).to eq([:chunked, "last", true])
        end
      end
    end

    it "has one status line, the reason by the status" do
      converse(shareable { ->(env) { [Integer(env["PATH_INFO"].delete("/")), {}, []] } }) do |client|
        { 200 => "OK", 404 => "Not Found", 418 => nil, 500 => "Internal Server Error", 599 => nil }
          .each do |status, reason|
          response = client.get("/#{status}")
          expect([response.version, response.status]).to eq(["HTTP/1.1", status])
          expect(response.reason).to eq(reason) if reason
        end
      end
    end

    it "has a date, once, the app's where it has one" do
      converse(Probes::Env) { |client| expect(client.get["date"]).to match(/\A\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\z/) }
      app = shareable { ->(_) { [200, { "date" => "Thu, 01 Jan 1970 00:00:00 GMT" }, []] } }
      expect(ask(app)["date"]).to eq("Thu, 01 Jan 1970 00:00:00 GMT")
    end
  end
end
