# frozen_string_literal: true

require "fileutils"
require "rack/static"
require "tmpdir"
require "zlib"

RSpec.describe "Rack::Static" do
  each_mode do
    before { only_in :threaded, "Rack::Static has a Rack::Files, which can't be shared" }

    around do |example|
      Dir.mktmpdir("kino-static") do |folder|
        @folder = File.realpath(folder)
        { "public/css/site.css" => "p {}", "public/css/site.css.gz" => Zlib.gzip("p {}"),
          "public/index.html" => "home", "public/docs/index.html" => "docs", "public/font.woff2" => "font",
          "css.txt" => "outside" }.each do |path, text|
          full = File.join(@folder, path)
          FileUtils.mkdir_p(File.dirname(full))
          File.binwrite(full, text)
        end
        example.run
      end
    end

    # Serves the files, and answers the rest with the path that is asked for.
    def static(**options)
      Rack::Static.new(->(env) { [200, {}, ["app #{env["PATH_INFO"]}"]] }, { root: "#{@folder}/public", **options })
    end

    it "sends files beneath its prefixes, and leaves the rest to the app" do
      converse(static(urls: ["/css"])) do |client|
        file = client.get("/css/site.css")
        expect([file.status, file["content-type"], file.framing, file.body]).to eq([200, "text/css", 4, "p {}"])
        expect(client.get("/css/none.css").status).to eq(404)
        expect(client.get("/cssx").body).to eq("app /cssx")
        expect(client.get("/index.html").body).to eq("app /index.html")
        expect(client.get("/css/../css.txt").body).to eq("app /css/../css.txt")
        expect(client.get("/css/../../css.txt").body).to eq("app /css/../../css.txt")
      end
    end

    it "sends an index for a folder" do
      converse(static(urls: [""], index: "index.html")) do |client|
        expect(client.get("/").body).to eq("home")
        expect(client.get("/docs/").body).to eq("docs")
        expect(client.get("/css/site.css").body).to eq("p {}")
      end
    end

    it "sends a certain file for a certain path" do
      converse(static(urls: { "/" => "index.html" })) do |client|
        expect(client.get("/").body).to eq("home")
        expect(client.get("/docs/").body).to eq("app /docs/")
      end
    end

    it "asks the app for what isn't there, where it cascades" do
      converse(static(urls: ["/css"], cascade: true)) do |client|
        expect(client.get("/css/site.css").body).to eq("p {}")
        expect(client.get("/css/none.css").body).to eq("app /css/none.css")
      end
    end

    it "adds the headers of its rules" do
      rules = [[:all, { "cache-control" => "public, max-age=60" }], [:fonts, { "access-control-allow-origin" => "*" }]]
      converse(static(urls: [""], header_rules: rules)) do |client|
        font = client.get("/font.woff2")
        expect([font["access-control-allow-origin"], font["cache-control"]]).to eq(["*", "public, max-age=60"])
        css = client.get("/css/site.css")
        expect([css["access-control-allow-origin"], css["cache-control"]]).to eq([nil, "public, max-age=60"])
      end
    end

    it "sends the compressed twin of a file to who takes gzip" do
      converse(static(urls: ["/css"], gzip: true)) do |client|
        twin = client.get("/css/site.css", { "accept-encoding" => "br, gzip" })
        expect([twin["content-encoding"], twin["content-type"]]).to eq(%w[gzip text/css])
        expect(Zlib.gunzip(twin.body)).to eq("p {}")
        expect(client.get("/css/site.css").body).to eq("p {}")
      end
    end

    it "sends ranges, and answers HEAD and if-modified-since" do
      converse(static(urls: ["/css"])) do |client|
        part = client.get("/css/site.css", { "range" => "bytes=2-3" })
        expect([part.status, part["content-range"], part.body]).to eq([206, "bytes 2-3/4", "{}"])
        head = client.request("HEAD", "/css/site.css")
        expect([head.status, head["content-length"], head.body]).to eq([200, "4", ""])
        expect(client.get("/css/site.css", { "if-modified-since" => head["last-modified"] }).status).to eq(304)
        expect(client.get("/").body).to eq("app /")
      end
    end
  end
end
