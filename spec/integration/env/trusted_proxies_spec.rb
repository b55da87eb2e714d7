# frozen_string_literal: true

require "rack/request"
require "tmpdir"

# What proxies say of how their clients came to them.
RSpec.describe "trusted_proxies" do
  # What the env says, and what Rack::Request makes of it.
  told = %w[rack.url_scheme SERVER_NAME SERVER_PORT HTTPS]

  # By what a proxy sends: scheme, name, port, and the URL.
  {
    {} => ["http", "app.example", "80", nil, "http://app.example/p?q"],
    { "x-forwarded-proto" => "https" } => ["https", "app.example", "443", "on", "https://app.example/p?q"],
    { "x-forwarded-scheme" => "https" } => ["https", "app.example", "443", "on", "https://app.example/p?q"],
    { "x-forwarded-ssl" => "on" } => ["https", "app.example", "443", "on", "https://app.example/p?q"],
    { "x-forwarded-proto" => "http" } => ["http", "app.example", "80", nil, "http://app.example/p?q"],
    { "x-forwarded-proto" => "http, https" } => ["https", "app.example", "443", "on", "https://app.example/p?q"],
    { "x-forwarded-proto" => %w[https http] } => ["http", "app.example", "80", nil, "http://app.example/p?q"],
    { "x-forwarded-proto" => "https", "x-forwarded-port" => "8443" } =>
      ["https", "app.example", "8443", "on", "https://app.example/p?q"],
    { "x-forwarded-proto" => "https", "x-forwarded-port" => "80" } =>
      ["https", "app.example", "443", "on", "https://app.example/p?q"],
    { "x-forwarded-port" => "443" } => ["https", "app.example", "443", "on", "https://app.example/p?q"],
    { "x-forwarded-port" => "8080" } => ["http", "app.example", "8080", nil, "http://app.example/p?q"],
    { "x-forwarded-host" => "www.example" } => ["http", "www.example", "80", nil, "http://www.example/p?q"],
    { "x-forwarded-host" => "a, www.example:8443", "x-forwarded-proto" => "https" } =>
      ["https", "www.example", "8443", "on", "https://www.example:8443/p?q"],
    { "host" => "app.example:3000", "x-forwarded-proto" => "https" } =>
      ["https", "app.example", "3000", "on", "https://app.example:3000/p?q"],
    { "forwarded" => "for=192.0.2.1;proto=https;host=www.example" } =>
      ["https", "www.example", "443", "on", "https://www.example/p?q"],
    { "forwarded" => "proto=http, proto=https;host=\"www.example:8443\"", "x-forwarded-proto" => "http" } =>
      ["https", "www.example", "8443", "on", "https://www.example:8443/p?q"],
    { "x-forwarded-for" => "192.0.2.1" } => ["http", "app.example", "80", nil, "http://app.example/p?q"],
    { "x-forwarded-proto" => "gopher", "x-forwarded-host" => "a b", "x-forwarded-port" => "-1" } =>
      ["http", "app.example", "80", nil, nil],
    { "forwarded" => "proto=https;host=\"" } => ["http", "app.example", "80", nil, nil]
  }.each do |headers, (*expected, url)|
    each_mode do
      it "are believed: #{headers}" do
        env = converse(Probes::Env, threads: 1) do |client|
          2.times { client.get("/other", "host" => "other.example", "x-forwarded-proto" => "https") }
          Probes.read(client.get("/p?q", { "host" => "app.example" }.merge(headers)))
        end
        expect(env.values_at(*told)).to eq(expected)
        expect(env).to include("REMOTE_ADDR" => "127.0.0.1")
        next unless url

        request = Rack::Request.new(env)
        expect([request.url, request.scheme, request.ssl?]).to eq([url, expected.first, expected.first == "https"])
        expect(request.port.to_s).to eq(headers["x-forwarded-port"] || expected[2])
      end
    end
  end

  each_mode do
    let(:headers) { { "host" => "app.example", "x-forwarded-proto" => "https", "x-forwarded-host" => "www.example" } }

    # Whether they were believed.
    def believed?(...)
      env = Probes.read(ask(Probes::Env, "GET", "/", headers, ...))
      expect(env).to include("HTTP_X_FORWARDED_PROTO" => "https", "HTTP_X_FORWARDED_HOST" => "www.example")
      seen = env.values_at("rack.url_scheme", "SERVER_NAME", "SERVER_PORT", "HTTPS")
      return true if seen == ["https", "www.example", "443", "on"]

      expect(seen).to eq(["http", "app.example", "80", nil])
      false
    end

    it "are those that are written, and nobody else" do
      [%w[127.0.0.1], %w[127.0.0.0/8 10.0.0.0/8], "192.168.0.0/16, 127.0.0.1"].each do |proxies|
        expect(believed?(nil, trusted_proxies: proxies)).to be(true), proxies.inspect
      end
      [%w[10.0.0.0/8 unix ::1], false, [], nil].each do |proxies|
        expect(believed?(nil, trusted_proxies: proxies)).to be(false), proxies.inspect
      end
    end

    it "are by default whoever comes from this machine, over IPv6 and unix sockets, too" do
      urls = ["tcp://[::1]:0"].select { Socket.ip_address_list.any?(&:ipv6_loopback?) }
      Dir.mktmpdir do |folder|
        serve(Probes::Env, bind: [*urls, "unix://#{folder}/kino.sock"]) do |server|
          envs = server.urls.map { |url| RawClient.open(url) { |client| Probes.read(client.get("/", headers)) } }
          expect(envs.map { |env| env["rack.url_scheme"] }.uniq).to eq(["https"])
        end
        serve(Probes::Env, bind: ["unix://#{folder}/kino.sock"], trusted_proxies: %w[0.0.0.0/0 ::/0]) do |server|
          env = RawClient.open(server.url) { |client| Probes.read(client.get("/", headers)) }
          expect(env).to include("rack.url_scheme" => "http", "SERVER_PORT" => "80")
        end
      end
    end

    it "may speak HTTP/1.0 without a host" do
      message = "GET / HTTP/1.0\r\nx-forwarded-proto: https\r\n\r\n"
      env = converse(Probes::Env) { |client| Probes.read(client.write(message).read_response) }
      expect(env).to include("rack.url_scheme" => "https", "SERVER_NAME" => "localhost", "SERVER_PORT" => "443")
    end
  end
end
