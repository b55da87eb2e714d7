# frozen_string_literal: true

require "tmpdir"

RSpec.describe "The env's addresses" do
  each_mode do
    def env_from(url, request = "GET / HTTP/1.0\r\n\r\n")
      RawClient.open(url) { |client| Probes.read(client.write(request).read_response) }
    end

    { "example.com:8080" => %w[example.com 8080], "example.com" => %w[example.com 80],
      "127.0.0.1:9" => %w[127.0.0.1 9], "[::1]:9292" => %w[[::1] 9292], "[::1]" => %w[[::1] 80] }
      .each do |host, (name, port)|
      it "are the host header's: #{host}" do
        expect(Probes.read(ask(Probes::Env, "GET", "/", { "host" => host })))
          .to include("HTTP_HOST" => host, "SERVER_NAME" => name, "SERVER_PORT" => port)
      end
    end

    it "are localhost and the listener's port without a host header, which HTTP/1.0 allows" do
      serve(Probes::Env) do |server|
        env = env_from(server.url)
        expect(env).to include("SERVER_NAME" => "localhost", "SERVER_PORT" => server.port.to_s)
        expect(env).not_to include("HTTP_HOST")
      end
    end

    it "have the client's" do
      expect(Probes.read(ask(Probes::Env))).to include("REMOTE_ADDR" => "127.0.0.1")
    end

    it "have the client's over IPv6" do
      skip "this machine has no ::1" unless Socket.ip_address_list.any?(&:ipv6_loopback?)

      serve(Probes::Env, bind: ["tcp://[::1]:0"]) do |server|
        expect(env_from(server.url)).to include("REMOTE_ADDR" => "::1", "SERVER_PORT" => server.port.to_s)
      end
    end

    it "are this machine's over a unix socket, which has none of its own" do
      Dir.mktmpdir do |folder|
        serve(Probes::Env, bind: ["unix://#{folder}/kino.sock"]) do |server|
          expect(env_from(server.url)).to include("REMOTE_ADDR" => "127.0.0.1", "SERVER_NAME" => "localhost",
                                                  "SERVER_PORT" => "80")
          expect(env_from(server.url, "GET / HTTP/1.1\r\nhost: example.com:8080\r\n\r\n"))
            .to include("SERVER_NAME" => "example.com", "SERVER_PORT" => "8080")
        end
      end
    end

    it "come with the server's name and version and the scheme" do
      env = Probes.read(ask(Probes::Env))
      expect(env).to include("rack.url_scheme" => "http")
      expect(env["SERVER_SOFTWARE"]).to match(/\Akino\b/i).and include(Kino::VERSION)
    end
  end
end
