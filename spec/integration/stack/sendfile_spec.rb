# frozen_string_literal: true

require "rack/sendfile"
require "tmpdir"

RSpec.describe "Rack::Sendfile" do
  each_mode do
    around do |example|
      Dir.mktmpdir("kino-sendfile") do |folder|
        @path = File.join(File.realpath(folder), "a file?.txt").freeze
        File.binwrite(@path, "the file")
        example.run
      end
    end

    # Answers with the file, beneath the middleware.
    def sending(*arguments, told: nil)
      path, headers = @path, { "content-type" => "text/plain", "content-length" => "8" }.freeze
      Ractor.make_shareable(arguments)
      shareable do
        Rack::Sendfile.new(->(_) { [200, headers.dup, Bodies::Filed.new(path, told: told)] }, *arguments)
      end
    end

    let(:folder) { File.dirname(@path) }

    def expect_handed_on(response, name, value)
      expect([response.status, response[name], response["content-type"]]).to eq([200, value, "text/plain"])
      expect([response.values("content-length"), response.body]).to eq([["0"], ""])
    end

    %w[X-Sendfile X-Lighttpd-Send-File].each do |variation|
      it "names the file in #{variation}, and sends no body" do
        converse(sending(variation)) do |client|
          2.times { expect_handed_on(client.get("/"), variation.downcase, @path) }
          expect(client.request("HEAD", "/")[variation.downcase]).to eq(@path)
        end
      end
    end

    it "names it in X-Accel-Redirect as the app maps it" do
      response = ask(sending("X-Accel-Redirect", [[folder, "/internal"]]))
      expect_handed_on(response, "x-accel-redirect", "/internal/a%20file%3F.txt")
    end

    it "names it in X-Accel-Redirect as the proxy maps it" do
      response = ask(sending("x-accel-redirect"), "GET", "/", { "x-accel-mapping" => "/none=/no, #{folder}=/internal" })
      expect_handed_on(response, "x-accel-redirect", "/internal/a%20file%3F.txt")
    end

    it "sends the file where X-Accel-Redirect has no mapping, and says so" do
      converse(sending("X-Accel-Redirect")) do |client, _, log|
        response = client.get("/")
        expect([response.body, response.values("x-accel-redirect")]).to eq(["the file", []])
        log.wait_for(/x-accel-mapping header missing/)
      end
    end

    it "sends the file itself where nobody is named to do it, whatever the client asks for" do
      [{}, { "x-sendfile-type" => "X-Sendfile", "x-accel-mapping" => "#{folder}=/internal" }].each do |headers|
        response = ask(sending, "GET", "/", headers)
        expect([response.body, response["content-length"]]).to eq(["the file", "8"])
        expect(response.names & %w[x-sendfile x-accel-redirect]).to eq([])
      end
    end

    it "has the body closed that it does not send" do
      told = Channel.new
      ask(sending("X-Sendfile", told: told))
      expect(Bodies.calls(told)).to eq(%i[close])
    end
  end
end
