# frozen_string_literal: true

require "kino/version"

RSpec.describe "Kino::VERSION" do
  it "is the version in Cargo.toml" do
    cargo = File.read(File.expand_path("../../Cargo.toml", __dir__))

    expect(Kino::VERSION).to eq(cargo[/^version = "([^"]+)"/, 1])
  end
end
