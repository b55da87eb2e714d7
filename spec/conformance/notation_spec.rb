# frozen_string_literal: true

require_relative "notation"

RSpec.describe Conformance::Notation do
  def bytes(text) = described_class.bytes(text)

  it "names the characters that can't be seen" do
    expect(bytes('a\r\n\t\s\0\\\\n')).to eq("a\r\n\t \0\\n")
  end

  it "has any byte in hexadecimal" do
    expect(bytes('\xff\x0A0')).to eq("\xFF\n0".b)
  end

  it "repeats" do
    expect(bytes('a: \{b\r\n*2}\{*\x41*3}}')).to eq("a: b\r\nb\r\n*A*A*A}")
  end

  it "refuses what stands for nothing" do
    ['\q', '\xg0', '\{a}', "a\\"].each { |text| expect { bytes(text) }.to raise_error(ArgumentError, /stands for/) }
  end
end
