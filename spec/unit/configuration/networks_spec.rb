# frozen_string_literal: true

require "kino/configuration"
require "support/refusal"

RSpec.describe Kino::Configuration::Networks do
  include Refusal

  def proxies(given) = Kino::Configuration.new(trusted_proxies: given).trusted_proxies

  it "are addresses, networks and unix sockets, each in one spelling" do
    { %w[10.0.0.1 unix] => %w[10.0.0.1 unix], %w[10.0.0.0/8 10.0.0.0/255.0.0.0] => %w[10.0.0.0/8],
      %w[2001:DB8::/32 ::1/128 [::1]] => %w[2001:db8::/32 ::1], %w[0.0.0.0/0 ::/0] => %w[0.0.0.0/0 ::/0],
      "10.0.0.1, unix" => %w[10.0.0.1 unix], "127.0.0.0/8" => %w[127.0.0.0/8] }
      .each { |given, kept| expect(proxies(given)).to eq(kept) }
  end

  it "are nobody for false, nil and an empty list" do
    [false, nil, [], "false", "nil", ""].each { |none| expect(proxies(none)).to eq([]) }
  end

  it "are this machine for true, where they may see something, and never for proxies" do
    here = %w[127.0.0.0/8 ::1 unix]
    [[true, here], ["true", here], [false, []], [%w[10.0.0.0/8], %w[10.0.0.0/8]]]
      .each { |given, kept| expect(Kino::Configuration.new(error_page: given).error_page).to eq(kept) }
    expect(refusal(:error_page, 3)).to include("true for this machine").and end_with(
      'write error_page: ["127.0.0.1", "172.17.0.0/16"]'
    )
    expect { proxies(true) }.to raise_error(Kino::ConfigurationError, /trusted_proxies: given true/)
  end

  it "are this machine by default, and frozen" do
    default = Kino::Configuration.new.trusted_proxies
    expect(default).to eq(%w[127.0.0.0/8 ::1 unix])
    [default, proxies(%w[10.0.0.0/8])].each { |kept| expect([kept, *kept]).to all(be_frozen) }
  end

  it "stay what they are in a configuration that is made of another" do
    [false, %w[10.0.0.0/8 unix]].each do |given|
      configuration = Kino::Configuration.new(trusted_proxies: given)
      expect(configuration.with(threads: 1).trusted_proxies).to eq(configuration.trusted_proxies)
    end
  end

  it "are nothing else" do
    allowed = 'allowed: addresses and networks such as ["10.0.0.0/8", "::1", "unix"], or false for none; ' \
              'write trusted_proxies: ["10.0.0.0/8", "unix"]'
    {
      %w[localhost] => "of which \"localhost\" is neither an address nor a network; ",
      ["10.0.0.0/33"] => "of which \"10.0.0.0/33\" is neither an address nor a network; ",
      [""] => "of which \"\" is neither an address nor a network; ",
      %w[fe80::1%lo] => "of which \"fe80::1%lo\" has a zone; ",
      [10] => "of which 10 is no text; ",
      true => "",
      5 => ""
    }.each do |given, reason|
      expect(refusal(:trusted_proxies, given)).to eq("trusted_proxies: given #{given.inspect}, #{reason}#{allowed}")
    end
  end

  it "are told what was meant where bits are past a network's length" do
    expect(refusal(:trusted_proxies, %w[10.1.2.3/8 unix]))
      .to start_with('trusted_proxies: given ["10.1.2.3/8", "unix"], of which 10.1.2.3/8 has bits past its length;')
      .and end_with('; write trusted_proxies: ["10.0.0.0/8", "unix"]')
  end
end
