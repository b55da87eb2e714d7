# frozen_string_literal: true

require "kino/configuration"

RSpec.describe Kino::Configuration::Kinds do
  def refusal(kind, value)
    kind.call(value)
    raise "this was taken: #{value.inspect}"
  rescue described_class::Rejected => error
    error.message
  end

  describe "LogTarget" do
    let(:kind) { described_class::LogTarget.new }

    it "is a file, by its absolute path, or standard output" do
      expect(kind.call("log/access.log")).to eq(File.expand_path("log/access.log"))
      expect(kind.call(Pathname("/var/log/x"))).to eq("/var/log/x")
      expect([:stdout, "stdout", "-"].map { |value| kind.call(value) }).to all(eq(:stdout))
    end

    it "is nothing else" do
      expect(refusal(kind, Dir.pwd)).to eq("which is a folder")
      ["", 7, nil, :stderr].each { |value| expect(refusal(kind, value)).to eq("") }
    end
  end

  describe "LineFormat" do
    let(:kind) { described_class::LineFormat.new }

    it "is a name, or a template" do
      expect([:json, "common", ":text"].map { |value| kind.call(value) }).to eq(%i[json common text])
      template = "{{{status}}} {header:X-Tenant} {peer}"
      expect(kind.call(template)).to eq(template)
    end

    it "says what is wrong with a template" do
      expect(refusal(kind, "{status} {statu}")).to eq("which has no field {statu}")
      expect(refusal(kind, "{header:}")).to eq("which has no field {header:}")
      expect(refusal(kind, "{status")).to eq("whose { has no }")
      expect(refusal(kind, "status")).to eq("")
      expect(refusal(kind, :xml)).to eq("")
    end
  end

  describe "QueryFilter" do
    let(:kind) { described_class::QueryFilter.new }

    it "is yes, no, or names" do
      expect([true, "false", "a, b", [:token]].map do |value|
               kind.call(value)
             end).to eq([true, false, %w[a b], %w[token]])
      [[], [nil], [""], 7].each { |value| expect(refusal(kind, value)).to eq("") }
    end
  end
end
