# frozen_string_literal: true

require "kino/configuration"
require "support/refusal"

RSpec.describe Kino::Configuration::BindParameters do
  include Refusal

  it "are refused where they are unknown, or of another kind of address, with those that there are" do
    {
      "unix:///a?colour=red" => ["colour=red", "backlog, proxy, mode, umask", "unix:///a?backlog=1024"],
      "unix:///a?mod=0660" => ["mod=0660", "backlog, proxy, mode, umask", "unix:///a?mode=0660"],
      "unix:///a?backlog=5&" => ["", "backlog, proxy, mode, umask", "unix:///a?backlog=5"],
      "unix:///a?ipv6only=true" => ["ipv6only=true", "backlog, proxy, mode, umask", "unix:///a?backlog=1024"],
      "unix://@a?mode=0660" => ["mode=0660", "backlog, proxy", "unix://@a?backlog=1024"],
      "127.0.0.1:80?ipv6only=true" => ["ipv6only=true", "backlog, proxy, reuse_port",
                                       "tcp://127.0.0.1:80?backlog=1024"],
      "tcp://[::]:80?ipv6_only=true" => ["ipv6_only=true", "backlog, ipv6only, proxy, reuse_port",
                                         "tcp://[::]:80?ipv6only=true"]
    }.each do |given, (parameter, known, write)|
      expect(refusal(:bind, given))
        .to start_with("bind: given #{given.inspect}, whose parameter #{parameter.inspect} isn't known for it " \
                       "(#{known});")
        .and end_with("; write bind: #{write.inspect}")
    end
  end

  it "have values of their own shape" do
    { "mode" => %w[8 01000 rw +7 -1], "umask" => ["", "8"], "backlog" => %w[0 65536 many 1.5] }.each do |name, values|
      values.each do |value|
        expect(refusal(:bind, "unix:///a?#{name}=#{value}"))
          .to include("whose #{name} has to be ").and match(/\?#{name}=\d+"\z/)
      end
    end
    expect(refusal(:bind, "tcp://[::]:80?ipv6only=yes")).to include("whose ipv6only has to be true or false")
    expect(refusal(:bind, "unix:///a?mode")).to include("whose mode has to be an octal number from 0 to 0777")
  end

  it "are the ones that the native code has" do
    native = File.read(File.expand_path("../../../ext/core/src/net/listener/parameters.rs", __dir__))

    expect(described_class::TABLE.map(&:name)).to eq(native.scan(/^        name: "(\w+)"/).flatten)
    expect(described_class::TABLE.map(&:allowed)).to eq(native.scan(/^        allowed: "(.+)"/).flatten)
  end
end
