# frozen_string_literal: true

require "json"
require "uri"
require "support/kino_process"

RSpec.describe "Action Cable in a browser" do
  include KinoProcess::Helpers

  # A page that speaks Action Cable as Rails' own JavaScript does, and tells what comes of it. It asks for its socket
  # once another request has been answered, so that there is a connection of HTTP/2 to open it on.
  before do
    browser || skip("there is no Chromium: apt-get install chromium")
    write("config/cable.yml", "production:\n  adapter: async\n")
    write("page.html", <<~HTML)
      <!doctype html><title>talk</title><script src="/cable.js"></script><script>
        const long = "x".repeat(100000)
        const tell = (what) => fetch("/told?" + encodeURIComponent(JSON.stringify(what)))
        window.onerror = (message) => tell({ error: String(message) })
        tell({ begins: true }).then(() => {
          const talk = ActionCable.createConsumer("/cable").subscriptions.create("TalkChannel", {
            connected() { this.perform("say", { text: "hello" }) },
            rejected() { tell({ error: "rejected" }) },
            received(data) {
              if (data.text == "hello") { this.perform("say", { text: long }) }
              tell({ protocol: data.protocol, key: data.key, text: data.text == long ? "all" : data.text })
            }
          })
        })
      </script>
    HTML
    write("config/application.rb", <<~RUBY)
      $stdout.sync = true
      require "rails"
      require "action_controller/railtie"
      require "action_cable/engine"

      class Talk < Rails::Application
        config.load_defaults 7.2
        config.root = File.dirname(__dir__)
        config.eager_load = true
        config.secret_key_base = "of no use to anyone" * 2
        config.logger = Logger.new($stderr)
        config.log_level = :error
        config.hosts.clear
        # As it is in production: only pages of its own may.
        config.action_cable.allow_same_origin_as_host = true
        routes.append do
          file = ->(type, path) { ->(_) { [200, { "content-type" => type }, [File.read(path)]] } }
          root to: file.("text/html", File.join(__dir__, "../page.html"))
          scripts = File.join(Gem::Specification.find_by_name("actioncable").gem_dir, "app/assets/javascripts")
          get "cable.js", to: file.("text/javascript", File.join(scripts, "actioncable.js"))
          get "favicon.ico", to: ->(_) { [204, {}, []] }
          get "told", to: ->(env) { $stdout.puts("told \#{env["QUERY_STRING"]}") || [204, {}, []] }
        end
      end

      class TalkChannel < ActionCable::Channel::Base
        def say(data)
          env = connection.env
          transmit({ text: data["text"], protocol: env["SERVER_PROTOCOL"], key: env["HTTP_SEC_WEBSOCKET_KEY"] })
        end
      end
    RUBY
    write("config.ru", "require_relative 'config/application'\nRails.application.initialize!\nrun Rails.application\n")
  end

  after { leave(@browsing) if @browsing }

  def browser
    names = %w[chromium chromium-browser google-chrome]
    ENV["PATH"].split(":").product(names).map { |parts| File.join(*parts) }.find { |path| File.executable?(path) }
  end

  # Opens a page, for as long as the example lasts. The key is nobody's, and so its certificate is not believed.
  def browse(url)
    flags = %W[--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run
               --ignore-certificate-errors --remote-debugging-port=0 --user-data-dir=#{folder}/browser]
    @browsing = Process.spawn({ "HOME" => folder }, browser, *flags, url, pgroup: true, %i[out err] => "#{folder}/said")
  end

  def leave(pid)
    Process.kill(:KILL, -pid)
    Process.wait(pid)
  end

  def told(process, pattern)
    JSON.parse(URI.decode_uri_component(process.wait_for(/^told (\S*#{pattern}\S*|\S*error\S*)$/)[1]))
  rescue StandardError
    warn File.read("#{folder}/said").lines.last(20)
    raise
  end

  %w[HTTP/2 HTTP/1.1].each do |protocol|
    it "talks over #{protocol}" do
      write("kino.rb", "http2 #{protocol == "HTTP/2"}\n")
      made = TLS.made.write(folder)
      address = "ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:key]}"
      server = kino("-b", address, "-e", "production", "-m", "threaded")
      browse(server.url)
      expect(told(server, "hello")).to include("text" => "hello", "protocol" => protocol)
      long = told(server, "%22all%22")
      expect(long).to include("text" => "all", "protocol" => protocol)
      expect(long["key"] == "dGhlIHNhbXBsZSBub25jZQ==").to be(protocol == "HTTP/2")
      expect(server.signal(:TERM).status).to eq(0)
      expect(server.err).to eq("")
    end
  end
end
