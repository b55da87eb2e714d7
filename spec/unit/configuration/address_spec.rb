# frozen_string_literal: true

require "kino/configuration"
require "tmpdir"
require "support/refusal"

RSpec.describe Kino::Configuration::Address do
  include Refusal

  def bind(*given) = Kino::Configuration.new(bind: given.size == 1 ? given.first : given).bind

  it "is a TCP address with a name, an IPv4 or an IPv6 address" do
    %w[tcp://127.0.0.1:9292 tcp://0.0.0.0:80 tcp://localhost:0 tcp://web-1.internal:65535 tcp://[::1]:9292
       tcp://[::]:80 tcp://[::ffff:127.0.0.1]:80 tcp://[fe80::1%eth0]:80].each do |address|
      expect(bind(address)).to eq([address])
    end
  end

  it "may leave tcp:// out where host and port are there, and is kept with it" do
    expect(bind("127.0.0.1:3000", "[::1]:3000", "localhost:3000", "tcp://127.0.0.1:3001/"))
      .to eq(%w[tcp://127.0.0.1:3000 tcp://[::1]:3000 tcp://localhost:3000 tcp://127.0.0.1:3001])
  end

  it "is a unix socket's path, kept from the folder it was written in" do
    expect(bind("unix:///run/app.sock")).to eq(["unix:///run/app.sock"])
    Dir.mktmpdir do |folder|
      Dir.chdir(folder) { expect(bind("unix://tmp/app.sock")).to eq(["unix://#{File.realpath(folder)}/tmp/app.sock"]) }
    end
  end

  it "is a name that begins with an @, which stands for no file" do
    expect(bind("unix://@kino", "unix://@kino?backlog=64")).to eq(%w[unix://@kino unix://@kino?backlog=64])
  end

  it "is the name of a socket of systemd's" do
    expect(bind("systemd://web", "systemd://web.socket?proxy=true"))
      .to eq(%w[systemd://web systemd://web.socket?proxy=true])
    expect(refusal(:bind, "systemd://web?backlog=5")).to include("isn't known for it (proxy)")
    ["systemd://", "systemd://a:b"].each { |given| expect(refusal(:bind, given)).to include("systemd://NAME") }
  end

  it "keeps its parameters" do
    %w[unix:///run/app.sock?mode=0660&umask=0007&backlog=64 tcp://127.0.0.1:80?backlog=1
       tcp://[::]:80?ipv6only=true&backlog=65535].each { |address| expect(bind(address)).to eq([address]) }
    Dir.mktmpdir do |folder|
      Dir.chdir(folder) { expect(bind("unix://a?mode=600")).to eq(["unix://#{File.realpath(folder)}/a?mode=600"]) }
    end
  end

  it "may say that its connections begin with a PROXY header" do
    expect(bind("127.0.0.1:3000?proxy=true", "tcp://[::1]:80?proxy=false", "unix:///run/app.sock?proxy=true"))
      .to eq(%w[tcp://127.0.0.1:3000?proxy=true tcp://[::1]:80?proxy=false unix:///run/app.sock?proxy=true])
    expect(refusal(:bind, "tcp://127.0.0.1:80?proxy=on")).to start_with(
      "bind: given \"tcp://127.0.0.1:80?proxy=on\", whose proxy has to be true or false; allowed:"
    ).and end_with("write bind: \"tcp://127.0.0.1:80?proxy=true\"")
  end

  it "is one where TLS is spoken, with its files, and in Puma's words, too" do
    Dir.mktmpdir do |folder|
      Dir.chdir(folder) do
        here = File.realpath(folder)
        expect(bind("ssl://[::1]:443", "ssl://0.0.0.0:1?cert=a.pem&key=/k&ca=ca.pem&verify_mode=peer&no_tlsv1=true"))
          .to eq(["ssl://[::1]:443",
                  "ssl://0.0.0.0:1?cert=#{here}/a.pem&key=/k&client_ca=#{here}/ca.pem&verify=optional"])
      end
    end
    expect(bind("ssl://a:1?no_tlsv1_1=true")).to eq(["ssl://a:1"])
    expect(refusal(:bind, "ssl://a:1?verify=peer")).to include("whose verify has to be none, optional or required")
    expect(refusal(:bind, "tcp://a:1?cert=/a")).to include("isn't known for it")
    {
      "ssl://a:1?cert=/c&key=/k&colour=red" => "ssl://a:1?cert=/c&key=/k",
      "ssl://a:1?colour=red" => "ssl://a:1?backlog=1024",
      "ssl://a:1?backlogs=5" => "ssl://a:1?backlog=5", "ssl://a:1?backlogs=much" => "ssl://a:1?backlog=1024"
    }.each { |given, write| expect(refusal(:bind, given)).to end_with("; write bind: #{write.inspect}") }
    expect(refusal(:control, "ssl://127.0.0.1:1")).to include("where no TLS is spoken")
    expect(refusal(:control, "tcp://127.0.0.1:1?proxy=true")).to include("where no PROXY protocol is spoken")
  end

  it "counts once, however often it is written" do
    expect(bind("tcp://127.0.0.1:1", "127.0.0.1:1")).to eq(["tcp://127.0.0.1:1"])
  end

  it "is told how to be written, for the slips people make" do
    {
      ":3000" => ["which names no host;", "tcp://127.0.0.1:3000"],
      "3000" => ["which names no host;", "tcp://127.0.0.1:3000"],
      "localhost" => ["which names no port;", "tcp://localhost:9292"],
      "tcp://127.0.0.1" => ["which names no port;", "tcp://127.0.0.1:9292"],
      "tcp://[::1]" => ["which names no port;", "tcp://[::1]:9292"],
      "::1:3000" => ["whose IPv6 address needs brackets;", "tcp://[::1]:3000"],
      "tcp://::1:3000" => ["whose IPv6 address needs brackets;", "tcp://[::1]:3000"],
      "http://localhost:3000/" => ["allowed:", "tcp://localhost:3000"],
      "/run/app.sock" => ["allowed:", "unix:///run/app.sock"],
      "unix:/run/app.sock" => ["allowed:", "unix:///run/app.sock"],
      "tcp://127.0.0.1:70000" => ["whose port is past 65535;", "tcp://127.0.0.1:9292"],
      "https://localhost:443/" => ["allowed:", "ssl://localhost:443"],
      "ssl://a:1?cert=/c" => ["which has a cert and no key;", "ssl://a:1?cert=/etc/ssl/app.pem&key=/etc/ssl/app.key"],
      "unix://" => ["which names no path;", "tcp://127.0.0.1:9292"],
      "unix://@" => ["which names no path;", "tcp://127.0.0.1:9292"],
      "unix://@#{"a" * 107}" => ["longer than a socket's 107 bytes;", "tcp://127.0.0.1:9292"],
      "unix:///#{"a" * 107}" => ["longer than a socket's 107 bytes;", "tcp://127.0.0.1:9292"]
    }.each do |given, (reason, write)|
      expect(refusal(:bind, given)).to start_with("bind: given #{given.inspect}, #{reason}")
        .and end_with("; write bind: #{write.inspect}")
    end
  end

  it "is nothing else" do
    allowed = "allowed: tcp://HOST:PORT, tcp://[IPV6]:PORT, ssl://HOST:PORT, unix:///PATH, unix://@NAME or " \
              "systemd://NAME; " \
              "write bind: \"tcp://127.0.0.1:9292\""
    ["", "*:3000", "tcp://a b:3000", "tcp://127.0.0.1:http", "tcp://127.0.0.1:", "tcp://-a:1", "ftp://a:1", 3000, nil,
     [[]], [5], "tcp://[zz]:1", "tcp://a:1\ntcp://b:1"].each do |given|
      expect(refusal(:bind,
                     given)).to end_with(allowed)
    end
  end

  it "is at least one" do
    expect(refusal(:bind, [])).to start_with("bind: given [], which names no address; allowed:")
  end

  describe "port and host" do
    def bind(**settings) = Kino::Configuration.new(**settings).bind

    it "change the default address" do
      expect(bind(port: 3000)).to eq(["tcp://127.0.0.1:3000"])
      expect(bind(port: "0")).to eq(["tcp://127.0.0.1:0"])
      expect(bind(host: "0.0.0.0")).to eq(["tcp://0.0.0.0:9292"])
      expect(bind(host: "localhost", port: 80)).to eq(["tcp://localhost:80"])
    end

    it "know IPv6 with and without brackets" do
      expect(bind(host: "::1")).to eq(["tcp://[::1]:9292"])
      expect(bind(host: "[::]", port: 1)).to eq(["tcp://[::]:1"])
    end

    it "keep the parameters of an address that keeps its host" do
      layers = [{ port: 2 }, { bind: "tcp://[::]:1?ipv6only=true" }]
      both = layers.map { |settings| Kino::Configuration::Layer.keywords(settings) }

      expect(Kino::Configuration.from(both).bind).to eq(["tcp://[::]:2?ipv6only=true"])
      expect(Kino::Configuration.new(bind: "tcp://[::]:1?ipv6only=true").with(host: "0.0.0.0").bind)
        .to eq(["tcp://0.0.0.0:1"])
    end

    it "refuse what isn't one" do
      expect { bind(port: 65_536) }
        .to raise_error(Kino::ConfigurationError, /\Aport: given 65536, allowed: an Integer from 0 to 65535/)
      ["", "a:1", "tcp://a", "a b", nil, 5].each do |host|
        expect { bind(host: host) }
          .to raise_error(Kino::ConfigurationError, /\Ahost: given .*, allowed: a host name or an IP address; write/)
      end
    end
  end
end
