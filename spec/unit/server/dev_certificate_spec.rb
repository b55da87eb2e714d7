# frozen_string_literal: true

require "kino/configuration"
require "kino/server/dev_certificate"
require "tmpdir"

RSpec.describe Kino.const_get(:DevCertificate) do
  around do |example|
    Dir.mktmpdir("kino") do |folder|
      @before, ENV["XDG_STATE_HOME"] = ENV.fetch("XDG_STATE_HOME", nil), folder
      @folder = folder
      example.run
    ensure
      ENV["XDG_STATE_HOME"] = @before
    end
  end

  def certificate = OpenSSL::X509::Certificate.new(File.read(described_class.files[:cert]))

  it "is made once, for this machine, with a key that is the user's alone" do
    files = described_class.files
    expect(files).to eq(cert: "#{@folder}/kino/localhost.pem", key: "#{@folder}/kino/localhost.key")
    expect([File.stat(files[:key]), File.stat(File.dirname(files[:key]))].map { |one| one.mode & 0o777 })
      .to eq([0o600, 0o700])
    first = certificate
    expect(certificate).to eq(first)
    expect(first.check_private_key(OpenSSL::PKey.read(File.read(files[:key])))).to be(true)
    %w[localhost app.localhost 127.0.0.1 ::1].each do |name|
      expect(OpenSSL::SSL.verify_certificate_identity(first, name)).to be(true), name
    end
  end

  it "is made anew when it is about to end, or broken" do
    first = certificate
    allow(Time).to receive(:now).and_return(Time.now + (360 * 86_400))
    expect(second = certificate).not_to eq(first)
    File.write(described_class.files[:key], "nonsense")
    expect(certificate).not_to eq(second)
  end

  it "says where it can't be kept" do
    File.write("#{@folder}/file", "")
    ENV["XDG_STATE_HOME"] = "#{@folder}/file"
    expect { described_class.files }.to raise_error(Kino::ConfigurationError, /can't be written to .* XDG_STATE_HOME/)
  end

  it "says so where there is no home to keep it in" do
    ENV["XDG_STATE_HOME"] = nil
    allow(Dir).to receive(:home).and_raise(ArgumentError, "couldn't find home for uid `4242'")
    expect { described_class.files }
      .to raise_error(Kino::ConfigurationError, /--dev-tls: couldn't find home .*; name a folder by XDG_STATE_HOME/)
  end

  it "is made over what was left by one that was killed" do
    Dir.mkdir("#{@folder}/kino")
    %w[pem key].each { |ending| File.write("#{@folder}/kino/localhost.#{ending}.new", "half") }
    expect(certificate.check_private_key(OpenSSL::PKey.read(File.read(described_class.files[:key])))).to be(true)
    expect(File.stat(described_class.files[:key]).mode & 0o777).to eq(0o600)
  end

  it "is one for all who ask for it at once" do
    described_class.files # what it needs is loaded
    FileUtils.rm_rf("#{@folder}/kino")
    gate, opens = IO.pipe
    all = Array.new(8) do
      out, told = IO.pipe
      child = fork do
        opens.close
        gate.read
        files = described_class.files
        known = OpenSSL::X509::Certificate.new(File.read(files[:cert]))
        told.write("#{known.serial} #{known.check_private_key(OpenSSL::PKey.read(File.read(files[:key])))}")
      ensure
        told.flush
        exit!(0)
      end
      told.close
      [child, out]
    end
    opens.close
    told = all.map { |child, out| out.read.tap { Process.wait(child) } }
    expect(told.uniq).to contain_exactly(/\A\d+ true\z/)
  end

  it "is for addresses of TCP" do
    expect(described_class.secured(%w[tcp://127.0.0.1:1?backlog=2 unix:///a]))
      .to eq(%w[ssl://127.0.0.1:1?backlog=2 unix:///a])
  end

  it "leaves those as they are beside one that is for TLS" do
    mixed = %w[tcp://127.0.0.1:1 ssl://a:1]
    expect(described_class.secured(mixed)).to eq(mixed)
  end
end
