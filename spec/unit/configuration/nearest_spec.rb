# frozen_string_literal: true

require "kino/configuration/nearest"

RSpec.describe Kino.const_get(:Nearest) do
  it "finds the word that was probably meant" do
    expect(described_class.to("treads", %i[threads workers])).to eq("threads")
    expect(described_class.to(:wrokers, %w[threads workers])).to eq("workers")
  end

  it "finds none where none is near" do
    expect(described_class.to("preload_app!", %i[threads workers])).to be_nil
  end
end
