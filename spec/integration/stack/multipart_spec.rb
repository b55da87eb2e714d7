# frozen_string_literal: true

require "digest"
require "rack/multipart"
require "rack/request"

RSpec.describe "A form, read by Rack::Request" do
  # The bytes of a multipart body; a value that is an Array is a file: its parameters, its type, its content.
  form = lambda do |fields|
    parts = fields.map do |name, (value, type, content)|
      head = "--mark\r\ncontent-disposition: form-data; name=\"#{name}\""
      head += "; #{value}\r\ncontent-type: #{type}" if content
      "#{head}\r\n\r\n".b << (content || value).b << "\r\n"
    end
    parts.join << "--mark--\r\n"
  end

  each_mode do
    before { only_in :threaded, "Rack::Request and its parsers use tables of Rack's that can't be shared" }

    let(:multipart) { { "content-type" => "multipart/form-data; boundary=mark" } }
    let(:urlencoded) { { "content-type" => "application/x-www-form-urlencoded" } }

    # Answers with the params, files as what they are; 400 to a form that can't be read.
    let(:app) do
      lambda do |env|
        Probes.answer(plain(Rack::Request.new(env).params))
      rescue Rack::BadRequest => error
        [400, {}, ["#{error.class}\n"]]
      end
    end

    def plain(value)
      return value.map { |one| plain(one) } if value.is_a?(Array)
      return value unless value.is_a?(Hash)
      return value.transform_values { |one| plain(one) } unless (file = value[:tempfile])

      { filename: value[:filename].dup.force_encoding("UTF-8"), type: value[:type], size: file.size,
        digest: Digest::SHA256.file(file.path).hexdigest }
    end

    # What the app says of a file.
    def file(filename, type, content)
      { filename: filename, type: type, size: content.bytesize, digest: Digest::SHA256.hexdigest(content) }
    end

    # The first fits into memory, the second doesn't fit into body_buffer, the third is more than Rack reads at once.
    { "small" => 1_000, "spooled" => 65_536, "large" => 3_000_000 }.each do |what, size|
      { "that comes before the app runs" => false, "that the app reads while it comes" => true }.each do |how, early|
        it "has the fields and files of a #{what} multipart body #{how}" do
          content = Random.bytes(size)
          other = Random.bytes(size / 3)
          body = form.call("name" => "Zo\u00eb", "file" => ["filename=\"a.bin\"", "application/x", content],
                           "list[]" => "one", "files[second]" => ["filename=\"b.png\"", "image/png", other])
          expected = { "name" => "Zo\u00eb", "list" => ["one"], "q" => "1",
                       "file" => file("a.bin", "application/x", content),
                       "files" => { "second" => file("b.png", "image/png", other) } }
          converse(app, stream_bodies: early) do |client|
            2.times { expect(Probes.read(client.post("/?q=1", body, multipart))).to eq(expected) }
          end
        end

        it "has them of one in chunks, #{what}, #{how}" do
          content = Random.bytes(size)
          body = form.call("file" => ["filename=\"a.bin\"", "image/png", content])
          converse(app, stream_bodies: early) do |client|
            client.write(RawClient.message("POST", "/", multipart.merge("transfer-encoding" => "chunked")))
            0.step(body.bytesize, 30_011) do |at|
              part = body.byteslice(at, 30_011)
              client.write("#{part.bytesize.to_s(16)}\r\n#{part}\r\n") unless part.empty?
            end
            client.write("0\r\n\r\n")
            expect(Probes.read(client.read_response)).to eq("file" => file("a.bin", "image/png", content))
          end
        end
      end
    end

    it "has what a client uploads after it was told to go on" do
      content = Random.bytes(100_000)
      body = form.call("file" => ["filename=\"a.bin\"", "image/png", content])
      converse(app) do |client|
        headers = multipart.merge("expect" => "100-continue", "content-length" => body.bytesize)
        expect(client.write(RawClient.message("POST", "/", headers)).read_response.status).to eq(100)
        expect(Probes.read(client.write(body).read_response)).to eq("file" => file("a.bin", "image/png", content))
      end
    end

    ["filename=\"Zo\u00eb \u2603.txt\"", "filename=\"Zo%C3%AB \u2603.txt\"",
     "filename=\"plain.txt\"; filename*=UTF-8''Zo%C3%AB%20%E2%98%83.txt"].each do |parameter|
      it "has the Unicode name of a file sent as #{parameter.b.inspect}" do
        body = form.call("file" => [parameter, "text/plain", "text"])
        answer = Probes.read(ask(app, "POST", "/", multipart, body))
        expect(answer["file"]).to eq(file("Zo\u00eb \u2603.txt", "text/plain", "text"))
      end
    end

    it "has an empty file, and none where none was chosen" do
      body = form.call("empty" => ["filename=\"e.txt\"", "text/plain", ""],
                       "none" => ["filename=\"\"", "text/plain", ""])
      expect(Probes.read(ask(app, "POST", "/", multipart, body))).to eq("empty" => file("e.txt", "text/plain", ""))
    end

    it "has the fields of a urlencoded body, of the query, and of both" do
      converse(app) do |client|
        answer = Probes.read(client.post("/?a=query&b=query", "a=Zo%C3%AB+%26&n[x][]=1&n[x][]=2", urlencoded))
        expect(answer).to eq("a" => "Zo\u00eb &", "b" => "query", "n" => { "x" => %w[1 2] })
        expect(Probes.read(client.get("/?a=1&b[]=2"))).to eq("a" => "1", "b" => ["2"])
        expect(Probes.read(client.post("/", "", urlencoded))).to eq({})
      end
    end

    it "has a urlencoded field that is larger than what is kept in memory" do
      value = "0123456789+%C3%AB" * 50_000
      answer = ask(app, "POST", "/", urlencoded, "a=#{value}&b=last")
      expect(Probes.read(answer)).to eq("a" => "0123456789 \u00eb" * 50_000, "b" => "last")
    end

    it "does not take another type of body for a form" do
      converse(app) do |client|
        expect(Probes.read(client.post("/", '{"a":1}', { "content-type" => "application/json" }))).to eq({})
        expect(Probes.read(client.request("PUT", "/", multipart, form.call("a" => "1")))).to eq("a" => "1")
      end
    end

    whole = form.call("file" => ["filename=\"a.bin\"", "image/png", "x" * 100_000])
    broken = { "ends before its boundary" => whole[0, 50_000], "ends within a part's head" => whole[0, 40],
               "has another boundary" => whole.gsub("mark", "other"), "isn't multipart at all" => "\x00\xFF".b * 50_000,
               "has too many files" => form.call((1..200).to_h { |n| ["f#{n}", ["filename=\"f\"", "a/b", "x"]] }) }
    broken.each do |what, body|
      it "is the app's to refuse when a multipart body #{what}, and the next one is read" do
        [false, true].each do |early|
          converse(app, stream_bodies: early) do |client|
            2.times { expect(client.post("/", body, multipart).status).to eq(400) }
            expect(Probes.read(client.post("/", form.call("a" => "1"), multipart))).to eq("a" => "1")
          end
        end
      end
    end

    it "is a 500 when a multipart body is malformed and the app doesn't mind, and the next one is read" do
      app = ->(env) { Probes.answer(Rack::Request.new(env).params) }
      converse(app) do |client, _, log|
        expect(client.post("/", broken.values.first, multipart).status).to eq(500)
        log.wait_for(/Rack::Multipart::EmptyContentError/)
        expect(Probes.read(client.post("/", form.call("a" => "1"), multipart))).to eq("a" => "1")
      end
    end
  end
end
