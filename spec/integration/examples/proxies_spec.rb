# frozen_string_literal: true

require "digest"
require "json"
require "support/proxy"
require "support/web_socket"
require "support/web_socket_echo"
require "tmpdir"

# Kino behind the proxies of examples/, as they are started with those files.
RSpec.describe "Kino behind" do
  let(:mode) { :threaded }
  let(:port) { Proxy.free_port }
  let(:go) { Thread::Queue.new }
  let(:app) do
    echo = WebSocketEcho.new(WebSocketEcho::WAYS.keys.first)
    go = self.go
    lambda do |env|
      case env["PATH_INFO"]
      when "/socket" then echo.call(env)
      when "/upload"
        [200, {}, [Digest::SHA256.hexdigest(env["rack.input"].read)]]
      when "/events"
        events = lambda do |stream|
          stream.write("data: first\n\n")
          go.pop
          stream.write("data: second\n\n")
          stream.close
        end
        [200, { "content-type" => "text/event-stream" }, events]
      else
        told = env.slice("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "rack.url_scheme", "HTTP_HOST")
        [200, { "content-type" => "application/json" }, [told.to_json]]
      end
    end
  end

  # A file of examples/ with these changes, each of which has to find its place.
  def adapted(path, changes, folder)
    text = File.read("#{Proxy::ROOT}/#{path}")
    changes.each { |from, to| text.gsub!(from, to) || raise("#{path} has no #{from.inspect}") }
    File.join(folder, File.basename(path)).tap { |copy| File.write(copy, text) }
  end

  # A client with an address of its own.
  def client_at(address) = RawClient.new(TCPSocket.new("127.0.0.1", port, address, nil))

  def told_to(client) = JSON.parse(client.get("/", { "host" => "app.example" }).body)

  def url = "http://127.0.0.1:#{port}"

  def expect_all_to_pass(accepted)
    client = client_at("127.0.0.2")
    before = accepted.call
    expect(Array.new(5) { client.get.status }.uniq).to eq([200])
    expect(accepted.call - before).to be <= 1 # one connection of the proxy's, which is kept
    body = Random.bytes(3_000_000)
    expect(client.post("/upload", body).body).to eq(Digest::SHA256.hexdigest(body))
    client.close
    WebSocketClient.open(url, "/socket") { |socket| expect(socket.echo("there and back")).to eq("there and back") }
    client = RawClient.open(url).write(RawClient.message("GET", "/events"))
    expect(client.read_through("data: first\n\n")).to include("text/event-stream")
    go << true # only now there is more
    client.read_through("data: second\n\n")
    client.close
  end

  def served(**settings)
    Dir.mktmpdir do |folder|
      File.chmod(0o755, folder) # for those that give up being root
      serve(app, lint: false, **settings) { |server| yield server, folder }
    end
  end

  it "nginx" do
    missing = Proxy.missing("nginx") and skip missing
    served do |server, folder|
      site = adapted("nginx/kino.conf", { "127.0.0.1:9292" => "127.0.0.1:#{server.port}",
                                          "listen 80;" => "listen 127.0.0.1:#{port};" }, folder)
      File.write("#{folder}/nginx.conf", <<~NGINX)
        daemon off;
        pid #{folder}/nginx.pid;
        error_log #{folder}/error.log;
        events {}
        http {
            access_log off;
            client_body_temp_path #{folder}/body;
            proxy_temp_path #{folder}/proxy;
            fastcgi_temp_path #{folder}/fastcgi;
            uwsgi_temp_path #{folder}/uwsgi;
            scgi_temp_path #{folder}/scgi;
            include #{site};
        }
      NGINX
      command = ["nginx", "-e", "#{folder}/error.log", "-c", "#{folder}/nginx.conf"]
      said, status = Proxy.check(*command, "-t")
      expect(status).to be_success, said
      Proxy.run(port, *command) do
        expect_all_to_pass(-> { server.stats[:accepted] })
        expect(told_to(client_at("127.0.0.2"))).to include(
          "HTTP_X_FORWARDED_FOR" => "127.0.0.2", "rack.url_scheme" => "http", "HTTP_HOST" => "app.example"
        )
      end
    end
  end

  it "haproxy, which tells the client in headers, or by the PROXY protocol" do
    missing = Proxy.missing("haproxy") and skip missing
    proxied = Proxy.free_port
    other = Proxy.free_port
    served(bind: ["tcp://127.0.0.1:0", "tcp://127.0.0.1:#{proxied}?proxy=true"]) do |server, folder|
      file = adapted("haproxy/haproxy.cfg",
                     { "127.0.0.1:9292" => "127.0.0.1:#{server.port}", "127.0.0.1:9293" => "127.0.0.1:#{proxied}",
                       "bind :80\n" => "bind 127.0.0.1:#{port}\n", "bind :8080" => "bind 127.0.0.1:#{other}" }, folder)
      said, status = Proxy.check("haproxy", "-c", "-f", file)
      expect(status).to be_success, said
      Proxy.run(port, "haproxy", "-f", file) do
        eventually("the check has passed") { client_at("127.0.0.2").get.status == 200 }
        # Its checks are connections, too.
        expect_all_to_pass(-> { 0 })
        expect(told_to(client_at("127.0.0.2"))).to include("HTTP_X_FORWARDED_FOR" => "127.0.0.2",
                                                           "REMOTE_ADDR" => "127.0.0.1")
        plain = RawClient.new(TCPSocket.new("127.0.0.1", other, "127.0.0.3", nil))
        expect(told_to(plain)).to include("REMOTE_ADDR" => "127.0.0.3")
        plain.close
      end
    end
  end

  it "Caddy" do
    missing = Proxy.missing("caddy") and skip missing
    served do |server, folder|
      file = adapted("caddy/Caddyfile", { "example.com {" => "{\n\tadmin off\n}\n\nhttp://:#{port} {\n\tbind 127.0.0.1",
                                          "127.0.0.1:9292" => "127.0.0.1:#{server.port}" }, folder)
      # It keeps what it knows below the user's folders.
      command = ["env", "HOME=#{folder}", "XDG_DATA_HOME=#{folder}", "XDG_CONFIG_HOME=#{folder}", "caddy"]
      said, status = Proxy.check(*command, "validate", "--config", file, "--adapter", "caddyfile")
      expect(status).to be_success, said
      Proxy.run(port, *command, "run", "--config", file, "--adapter", "caddyfile") do
        expect_all_to_pass(-> { server.stats[:accepted] })
        expect(told_to(client_at("127.0.0.2"))).to include("HTTP_X_FORWARDED_FOR" => "127.0.0.2",
                                                           "rack.url_scheme" => "http")
      end
    end
  end
end
