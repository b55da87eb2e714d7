# frozen_string_literal: true

require "open3"
require "tmpdir"
require_relative "../../support/control_socket"

RSpec.describe "The control socket's page for people" do
  include ControlSocket

  each_mode do
    def serving
      serve(shareable { ->(_) { [200, {}, ["served"]] } }, control: "tcp://127.0.0.1:#{port}", lint: false) do |server|
        eventually("it is ready") { control_get("/ready", at: at).status == 200 }
        yield server
      end
    end

    let(:port) { TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] } }
    let(:at) { "http://127.0.0.1:#{port}" }

    it "is one file that asks nobody else for anything" do
      serving do
        page = control_get("/", at: at)
        expect(page["content-type"]).to eq("text/html; charset=utf-8")
        expect(page["content-security-policy"]).to start_with("default-src 'none'; ")
        links = page.body.scan(/(?:src|href|action|url)\s*[=(]\s*["']?[^"'>)]*/) + page.body.scan(%r{https?://[^"\s]+})
        expect(links - ["http://www.w3.org/2000/svg"]).to eq([])
        expect(page.body).to include("prefers-color-scheme: dark")
      end
    end

    it "shows what there is, in a browser" do
      browser = %w[chromium chromium-browser google-chrome].flat_map do |name|
        ENV["PATH"].split(":").map { |path| "#{path}/#{name}" }
      end.find { |path| File.executable?(path) }
      skip "Chromium isn't installed" unless browser

      serving do |server|
        3.times { RawClient.open(server.url) { |client| client.get("/") } }
        Dir.mktmpdir("kino") do |folder|
          out, err, status = Open3.capture3(
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000",
            "--enable-logging=stderr", "--user-data-dir=#{folder}", "--dump-dom", "#{at}/"
          )
          expect(status).to be_success, err
          expect(err).not_to match(/CONSOLE/), err
          text = out.gsub(%r{<(script|style)>.*?</\1>}m, "").gsub(/<[^>]+>/, " ").squeeze(" ")
          expect(text).to match(/\sKino\s+ready\s+#{Regexp.escape(Kino::VERSION)} /)
          expect(text).to include("Requests a second", "Threads busy", "ruby #{RUBY_VERSION}", "in all", "PSS")
          expect(text).not_to include("can't be reached")
        end
      end
    end
  end
end
