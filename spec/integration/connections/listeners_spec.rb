# frozen_string_literal: true

require "kino"
require "tmpdir"

RSpec.describe "A listener" do
  each_mode do
    let(:path) { shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } } }

    around do |example|
      Dir.mktmpdir("kino") do |folder|
        @socket = "#{folder}/kino.sock"
        example.run
      end
    end

    def get(url) = RawClient.open(url) { |client| client.get("/asked").body }

    it "has the port the system chose, and a URL with it" do
      serve(path) do |server|
        expect(server.port).to be_between(1024, 65_535)
        expect(server.url).to eq("http://127.0.0.1:#{server.port}")
        expect(server.urls).to eq([server.url])
        expect(get(server.url)).to eq("/asked")
      end
    end

    it "may be on IPv6" do
      skip "this machine has no ::1" unless Socket.ip_address_list.any?(&:ipv6_loopback?)

      serve(path, bind: ["tcp://[::1]:0"]) do |server|
        expect(server.url).to eq("http://[::1]:#{server.port}")
        expect(get(server.url)).to eq("/asked")
      end
    end

    it "is both loopback addresses where localhost is asked for, at one port" do
      skip "this machine has no ::1" unless Socket.ip_address_list.any?(&:ipv6_loopback?)

      serve(path, bind: ["tcp://localhost:0"]) do |server|
        expect(server.urls).to eq(["http://127.0.0.1:#{server.port}", "http://[::1]:#{server.port}"])
        expect(server.urls.map { |url| get(url) }).to eq(["/asked"] * 2)
      end
    end

    it "takes both families at [::], and tells apps an IPv4 client's own address" do
      skip "this machine has no ::1" unless Socket.ip_address_list.any?(&:ipv6_loopback?)

      app = shareable { ->(env) { [200, {}, [env["REMOTE_ADDR"]]] } }
      serve(app, bind: ["tcp://[::]:0"]) do |server|
        hosts = %w[127.0.0.1 [::1]].map { |host| "http://#{host}:#{server.port}" }
        expect(hosts.map { |url| get(url) }).to eq(%w[127.0.0.1 ::1])
      end
      serve(app, bind: ["tcp://[::]:0?ipv6only=true"]) do |server|
        expect(get("http://[::1]:#{server.port}")).to eq("::1")
        expect { get("http://127.0.0.1:#{server.port}") }.to raise_error(Errno::ECONNREFUSED)
      end
    end

    it "lets everybody connect to a unix socket, or whom mode and umask say" do
      { "" => 0o777, "?mode=0660" => 0o660, "?umask=0007&backlog=64" => 0o770 }.each do |query, mode|
        serve(path, bind: ["unix://#{@socket}#{query}"]) do |server|
          expect([server.url, File.stat(@socket).mode & 0o777]).to eq(["unix://#{@socket}", mode])
          expect(get(server.url)).to eq("/asked")
        end
      end
    end

    it "may be a unix socket without a file" do
      skip "only Linux has abstract unix sockets" unless RUBY_PLATFORM.include?("linux")

      name = "kino-spec-#{Process.pid}"
      serve(path, bind: ["unix://@#{name}"]) do |server|
        expect(server.url).to eq("unix://@#{name}")
        client = RawClient.new(Socket.unix("\0#{name}"))
        expect(client.get("/asked").body).to eq("/asked")
        client.close
      end
    end

    it "may be a unix socket, whose file is gone afterwards" do
      serve(path, bind: ["unix://#{@socket}"]) do |server|
        expect([server.url, server.port]).to eq(["unix://#{@socket}", nil])
        expect(File.socket?(@socket)).to be(true)
        RawClient.open(server.url) { |client| 3.times { |n| expect(client.get("/#{n}").body).to eq("/#{n}") } }
      end
      expect(File.exist?(@socket)).to be(false)
    end

    it "may be one of several" do
      serve(path, bind: ["tcp://127.0.0.1:0", "unix://#{@socket}", "unix://#{@socket}2"]) do |server|
        expect(server.urls.size).to eq(3)
        expect(server.urls.uniq).to eq(server.urls)
        expect(server.urls.map { |url| get(url) }).to eq(["/asked"] * 3)
      end
    end

    it "reclaims a socket file that nobody listens on" do
      UNIXServer.new(@socket).close
      expect(File.socket?(@socket)).to be(true)
      serve(path, bind: ["unix://#{@socket}"]) { |server| expect(get(server.url)).to eq("/asked") }
    end

    it "refuses a socket file that another process listens on, and leaves it alone" do
      UNIXServer.open(@socket) do |other|
        expect { serve(path, bind: ["unix://#{@socket}"]) { nil } }.to raise_error(Kino::BindError, /#{@socket}/)
        UNIXSocket.new(@socket).close
        expect(other.accept).to be_a(UNIXSocket)
      end
    end

    it "refuses a path where something else is" do
      File.write(@socket, "precious")
      expect { serve(path, bind: ["unix://#{@socket}"]) { nil } }.to raise_error(Kino::BindError, /#{@socket}/)
      expect(File.read(@socket)).to eq("precious")
      File.delete(@socket)
      Dir.mkdir(@socket)
      expect { serve(path, bind: ["unix://#{@socket}"]) { nil } }.to raise_error(Kino::BindError, /#{@socket}/)
    end

    it "refuses a port in use, and lets go of those it had bound before" do
      TCPServer.open("127.0.0.1", 0) do |other|
        port = other.addr[1]
        expect { serve(path, bind: ["unix://#{@socket}", "tcp://127.0.0.1:#{port}"]) { nil } }
          .to raise_error(Kino::BindError, /another process is listening there \(.*:#{port}.* names it\)/)
        expect(File.exist?(@socket)).to be(false)
      end
    end

    it "can be had again at once after a stop, though clients were connected" do
      port = serve(path) do |server|
        expect(get(server.url)).to eq("/asked")
        server.port
      end
      serve(path, bind: ["tcp://127.0.0.1:#{port}"]) { |server| expect(get(server.url)).to eq("/asked") }
    end
  end
end
