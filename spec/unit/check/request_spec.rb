# frozen_string_literal: true

require "kino/check/request"

RSpec.describe Kino::Check::Request do
  it "reads a method, a path and a query" do
    expect(described_class.parse("GET /")).to have_attributes(verb: "GET", path: "/", query: "", to_s: "GET /")
    expect(described_class.parse("POST /a/b?c=1&d"))
      .to have_attributes(verb: "POST", path: "/a/b", query: "c=1&d", to_s: "POST /a/b?c=1&d")
    expect(Ractor.shareable?(described_class.parse("GET /a?b"))).to be(true)
  end

  it "refuses anything else" do
    ["", "GET", "/", "get /", "GET a", "GET / x", "GET /#a", "GET /\nx", nil].each do |text|
      expect { described_class.parse(text) }
        .to raise_error(ArgumentError, "given #{text.inspect}, allowed: a method and a path, with a query or " \
                                       'without; write "GET /"')
    end
  end
end
