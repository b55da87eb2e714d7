# frozen_string_literal: true

require "tmpdir"

# The PROXY protocol, where an address is bound with `proxy=true`.
RSpec.describe "The PROXY protocol" do
  signature = "\r\n\r\n\0\r\nQUIT\n".b
  v2 = lambda do |command, family, addresses|
    [signature, 0x20 | command, family, addresses.bytesize, addresses].pack("a*CCna*")
  end
  ipv4 = [192, 0, 2, 7, 10, 0, 0, 1, 4660, 443].pack("C8nn")
  ipv6 = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7, *([0] * 8), 4660, 443].pack("n18")
  tlvs = [4, 3, "abc", 0x20, 5, "\x01\0\0\0\0"].pack("Cna*Cna*")

  headers = {
    "version 1" => ["PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n", "192.0.2.7"],
    "version 1 over IPv6" => ["PROXY TCP6 2001:db8::7 ::1 4660 443\r\n", "2001:db8::7"],
    "version 1 of an unknown client" => ["PROXY UNKNOWN\r\n", "127.0.0.1"],
    "version 2" => [v2.call(1, 0x11, ipv4), "192.0.2.7"],
    "version 2 over IPv6" => [v2.call(1, 0x21, ipv6), "2001:db8::7"],
    "version 2 with more to tell" => [v2.call(1, 0x11, ipv4 + tlvs), "192.0.2.7"],
    "version 2 of the proxy itself" => [v2.call(0, 0, ""), "127.0.0.1"]
  }
  wrong = {
    "a request" => "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "a line that is none" => "PROXY TCP4 192.0.2.7 10.0.0.1 4660\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "a version 2 without room for its addresses" => v2.call(1, 0x11, ipv4[0, 8]),
    "a version 3" => [signature, 0x31, 0x11, 0].pack("a*CCn")
  }

  each_mode do
    def proxied(**settings, &) = serve(Probes::Env, bind: ["tcp://127.0.0.1:0?proxy=true"], **settings, &)

    headers.each do |name, (header, client_address)|
      it "tells the client's address for all requests of the connection: #{name}" do
        proxied do |server|
          RawClient.open(server.url) do |client|
            client.write(header)
            envs = Array.new(2) { Probes.read(client.get("/")) }
            expect(envs.map { |env| env["REMOTE_ADDR"] }).to eq([client_address] * 2)
          end
          expect(server.stats).to include(proxy_header: 0)
        end
      end

      it "may come a byte at a time, or with the request: #{name}" do
        proxied do |server|
          request = header.b + RawClient.message("GET", "/")
          [request.each_char.to_a, [request]].each do |pieces|
            RawClient.open(server.url) do |client|
              pieces.each { |piece| client.write(piece) }
              expect(Probes.read(client.read_response)).to include("REMOTE_ADDR" => client_address)
            end
          end
        end
      end
    end

    wrong.each do |name, bytes|
      it "is asked for: #{name} ends the connection, unanswered, and is counted" do
        proxied do |server, log|
          RawClient.open(server.url) { |client| expect(client.write(bytes)).to be_closed }
          log.wait_for(/a connection without a PROXY header was closed/)
          expect(server.stats).to include(proxy_header: 1, requests: 0, refused: 0)
        end
      end
    end

    it "has the time of a head" do
      proxied(header_timeout: 0.3) do |server, log|
        RawClient.open(server.url) { |client| expect(client.write("PROXY TCP4 192.0.2.7")).to be_closed }
        log.wait_for(/was closed: it did not come in time/)
        expect(server.stats).to include(proxy_header: 1)
      end
    end

    it "is refused where nobody has asked for it" do
      converse(Probes::Env) do |client, server, log|
        expect(client.write("PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n").read_response.status).to eq(400)
        log.wait_for(/answered with 400/)
        expect(server.stats).to include(proxy_header: 0, malformed: 1)
      end
    end

    it "says whose word on scheme and host is taken: not the proxy's own" do
      { "192.0.2.0/24" => "https", "127.0.0.1" => "http" }.each do |trusted, scheme|
        proxied(trusted_proxies: [trusted]) do |server|
          RawClient.open(server.url) do |client|
            client.write("PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n")
            expect(Probes.read(client.get("/", "x-forwarded-proto" => "https"))).to include("rack.url_scheme" => scheme)
          end
        end
      end
    end

    it "is spoken over unix sockets, too, beside an address where it is not" do
      Dir.mktmpdir do |folder|
        serve(Probes::Env, bind: ["unix://#{folder}/kino.sock?proxy=true", "tcp://127.0.0.1:0"]) do |server|
          expect(server.urls.first).to eq("unix://#{folder}/kino.sock")
          addresses = server.urls.zip(["PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n", ""]).map do |url, header|
            RawClient.open(url) { |client| Probes.read(client.write(header).get("/"))["REMOTE_ADDR"] }
          end
          expect(addresses).to eq(["192.0.2.7", "127.0.0.1"])
        end
      end
    end
  end
end
