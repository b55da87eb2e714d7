# frozen_string_literal: true

require "kino/server/teller"
require "stringio"

RSpec.describe Kino.const_get(:Teller) do
  # A pipe whose reader comes late, or never, and a teller of it that has been filling it.
  def full_pipe
    reader, writer = IO.pipe
    teller = described_class.new(writer)
    teller.tell { |out| out.write("x" * 1_000_000) }
    [reader, teller]
  end

  it "writes, and has written when it comes back" do
    io = StringIO.new
    teller = described_class.new(io)
    teller.tell { |out| out.puts "one" }
    teller.tell { |out| out.puts "two" }
    expect(io.string).to eq("one\ntwo\n")
  end

  it "keeps what comes while nobody reads, in order, for when somebody does" do
    reader, teller = full_pipe
    3.times { |number| teller.tell { |out| out.write("line #{number}\n") } }
    expect(Thread.new { reader.read(1_000_000) }.value).to eq("x" * 1_000_000)
    expect(Array.new(3) { reader.gets }).to eq(["line 0\n", "line 1\n", "line 2\n"])

    teller.tell { |out| out.write("at once") }
    expect(reader.read_nonblock(100)).to eq("at once")
  end

  it "drops what comes when as much as it keeps waits for a reader" do
    reader, teller = full_pipe
    (described_class::ROOM + 10).times { |number| teller.tell { |out| out.write("#{number}\n") } }
    reader.read(1_000_000)
    expect(Array.new(described_class::ROOM - 1) { reader.gets.to_i }).to eq([*0...(described_class::ROOM - 1)])

    teller.tell { |out| out.write("on") }
    expect(reader.read_nonblock(100)).to eq("on")
  end

  it "waits once more for what has not been written, when asked to" do
    reader, teller = full_pipe
    teller.tell { |out| out.write("the last") }
    reading = Thread.new { reader.read(1_000_008) }
    teller.finish
    expect(reading.value).to end_with("xthe last")
    teller.finish
  end

  it "goes on after a thread of its was killed" do
    reader, teller = full_pipe
    (Thread.list - [Thread.current, Thread.main]).each { |thread| thread.kill.join }
    teller.tell { |out| out.write("\nsaid\n") }
    expect([reader.gets, reader.gets]).to match([/\Ax+\n\z/, "said\n"])
  end

  it "loses what can't be written" do
    reader, writer = IO.pipe
    reader.close
    expect { described_class.new(writer).tell { |out| out.puts "lost" } }.not_to raise_error
    writer.close
    expect { described_class.new(writer).tell { |out| out.puts "lost" } }.not_to raise_error
    expect { described_class.new(writer).tell { raise "a logger's own" } }.not_to raise_error
  end
end
