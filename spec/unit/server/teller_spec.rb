# frozen_string_literal: true

require "kino/server/teller"
require "stringio"

RSpec.describe Kino::Teller do
  it "writes, and has written when it comes back" do
    io = StringIO.new
    teller = described_class.new(io)
    teller.tell { |out| out.puts "one" }
    teller.tell { |out| out.puts "two" }
    expect(io.string).to eq("one\ntwo\n")
  end

  it "drops what comes while nobody reads, and goes on when somebody does" do
    reader, writer = IO.pipe
    teller = described_class.new(writer)
    teller.tell { |out| out.write("x" * 1_000_000) }
    teller.tell { |out| out.write("dropped") }
    expect(Thread.new { reader.read(1_000_000) }.value).to eq("x" * 1_000_000)

    Thread.pass until teller.tell { |out| out.write("read") }
    expect(reader.readpartial(100)).to eq("read")
  end

  it "loses what can't be written" do
    reader, writer = IO.pipe
    reader.close
    expect { described_class.new(writer).tell { |out| out.puts "lost" } }.not_to raise_error
    writer.close
    expect { described_class.new(writer).tell { |out| out.puts "lost" } }.not_to raise_error
  end
end
