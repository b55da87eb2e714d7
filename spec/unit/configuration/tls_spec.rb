# frozen_string_literal: true

require "kino/configuration"
require "support/refusal"

RSpec.describe Kino::Configuration::TLS do
  include Refusal

  def tls(*given) = Kino::Configuration.new(tls: given.size == 1 ? given.first : given).tls

  it "is a certificate and its key, as files or text, once for each" do
    text = "-----BEGIN CERTIFICATE-----\nAAAA"
    Dir.mktmpdir do |folder|
      Dir.chdir(folder) do
        expect(tls({ cert: Pathname("a.pem"), key: "/k" }, { cert: text, key: text }))
          .to eq([{ cert: "#{File.realpath(folder)}/a.pem", key: "/k" }, { cert: text, key: text }])
      end
    end
    expect(Ractor.shareable?(tls({ cert: +"/a", key: +"/b", key_password_command: +"c" }))).to be(true)
  end

  it "tells how clients are verified, and the oldest version" do
    expect(tls(verify: :required, client_ca: "/ca", min_version: 1.3))
      .to eq([{ verify: "required", client_ca: "/ca", min_version: "1.3" }])
    expect(tls(min_version: "TLSv1_2")).to eq([{ min_version: "1.2" }])
  end

  it "says once what holds for all names at an address" do
    pair = { cert: "/a", key: "/k" }
    expect(tls({ **pair, verify: :required }, { **pair, verify: "required" }, { cert: "/b", key: "/k" }).size).to eq(2)
    { verify: %i[required none], min_version: [1.2, 1.3], client_ca: %w[/a.pem /b.pem] }.each do |name, (one, other)|
      expect { tls({ **pair, name => one }, { **pair, name => other }) }
        .to raise_error(Kino::ConfigurationError, /tls: given two for #{name}:, #{one} and #{other}, allowed: one/)
    end
  end

  it "is refused with what is wrong, and without what is secret" do
    key = "-----BEGIN PRIVATE KEY-----\nAAAA"
    {
      { cert: "/a" } => "which has no key", { key: key } => "which has no cert", {} => "allowed: cert:, key:",
      { ocsp: "/a" } => "which has no cert and no key",
      { crt: "/a" } => "of which crt: isn't known (did you mean cert:?)",
      { verify: :peer } => "whose verify has to be :none, :optional or :required",
      { min_version: "1.1" } => 'whose min_version has to be "1.2" or "1.3"',
      { cert: 5, key: key } => "whose cert has to be the path of a file", 5 => "allowed: cert:"
    }.each do |given, reason|
      expect(refusal(:tls, given)).to include(reason)
        .and end_with('; write tls cert: "/etc/ssl/app.pem", key: "/etc/ssl/app.key"')
      expect(refusal(:tls, given)).not_to include("AAAA")
    end
  end
end
