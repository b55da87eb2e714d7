# frozen_string_literal: true

require "kino/colours"
require "stringio"

RSpec.describe Kino.const_get(:Colours) do
  let(:terminal) { StringIO.new.tap { |io| def io.tty? = true } }

  def painted(io, env = {}) = described_class.for(io, env).paint("word", :bold, :red)

  it "are for a terminal alone" do
    expect(painted(terminal)).to eq("\e[1;31mword\e[0m")
    expect(painted(StringIO.new)).to eq("word")
    expect(painted(terminal, { "TERM" => "dumb" })).to eq("word")
    expect(described_class.none.paint("word", :green)).to eq("word")
  end

  it "are nowhere with NO_COLOR, unless it is empty" do
    expect(painted(terminal, { "NO_COLOR" => "1" })).to eq("word")
    expect(painted(terminal, { "NO_COLOR" => "0", "FORCE_COLOR" => "1" })).to eq("word")
    expect(painted(terminal, { "NO_COLOR" => "" })).to start_with("\e[")
  end

  it "are everywhere with FORCE_COLOR, and nowhere where that is 0" do
    expect(painted(StringIO.new, { "FORCE_COLOR" => "1" })).to start_with("\e[")
    expect(painted(terminal, { "FORCE_COLOR" => "0" })).to eq("word")
    expect(painted(StringIO.new, { "FORCE_COLOR" => "" })).to eq("word")
  end

  it "count for no column, and end where they are cut" do
    line = "ab#{described_class.new(true).paint("cdef", :yellow)}gh"

    expect(described_class.cut(line, 4)).to eq("ab\e[33mcd\e[0m")
    expect(described_class.cut(line, 1)).to eq("a\e[33m\e[0m")
    expect(described_class.cut("abc", 10)).to eq("abc")
  end
end
