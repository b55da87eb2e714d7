# frozen_string_literal: true

require "kino/rack/input"
require "kino/rack/streamed_input"
require "support/input_calls"

# A File is the measure of all that can be read.
RSpec.describe Kino.const_get(:Reader) do
  # Gives a body in pieces, as the engine does.
  pieces = Class.new do
    def initialize(*pieces) = @pieces = pieces

    def read_body(most)
      piece = @pieces.shift or return
      @pieces.unshift(piece.byteslice(most..)) if piece.bytesize > most
      piece.byteslice(0, most).b
    end
  end
  exchange = Module.new do
    def self.read_body(pieces, most) = pieces.read_body(most)
    def self.trailers(_) = {}
  end

  before { stub_const("Kino::Native", Module.new).const_set(:Exchange, exchange) }

  def in_pieces(body, size)
    body = body.b
    Array.new((body.bytesize.to_f / size).ceil) { |number| body.byteslice(number * size, size) }
  end

  def expected(body, call) = InputCalls.with_file(body) { |file| InputCalls.result(file, call) }

  InputCalls::ALL.each do |name, call|
    it "answers #{name} of no body as an empty File does" do
      expect(InputCalls.result(Kino::NoInput.new, call)).to eq(expected("", call))
    end
  end

  { "a body with a little of everything" => InputCalls::BODY, "a text" => InputCalls::TEXT, "no body" => "",
    "empty lines" => "\n\n\n", "a long line" => "x" * 20_000 }.each do |what, body|
    InputCalls::ALL.merge(InputCalls::WITH_STATE).each do |name, call|
      it "answers #{name} of #{what}, however it comes, as a File does" do
        # Of what has come, readpartial answers all.
        sizes = body.bytesize > 1000 || name.match?(/readpartial|all kinds/) ? [1_000_000] : [1, 2, 3, 7, 1_000_000]
        found = sizes.map do |size|
          InputCalls.result(Kino::StreamedInput.new(pieces.new(*in_pieces(body, size)), nil), call)
        end
        expect(found.uniq).to eq([expected(body, call)])
      end
    end
  end

  # What Ruby's own File gets wrong is left out: a limit shorter than the separator, and in front of a byte 0xFF.
  random = {
    read: -> { [[], [nil], [rand(6)], [-1]].sample },
    gets: -> { [[], [nil], [""], ["--"], ["x"], [rand(1..5)], [nil, rand(1..5)], ["x", rand(1..5)], ["--", 4]].sample },
    readline: -> { [[], [3]].sample },
    readlines: -> { [[], [""], [2]].sample },
    getc: -> { [] }, getbyte: -> { [] }, readchar: -> { [] }, readbyte: -> { [] }, eof?: -> { [] }, lineno: -> { [] }
  }

  it "answers calls in any order as a File does" do
    300.times do
      body = Array.new(rand(20)) { ["a", "\n", "\n\n", "\r\n", "\xFE", "\u00E9", "x", "--", "\r"].sample.b }.join
      calls = Array.new(10) do
        name = random.keys.sample
        [name, random[name].call, name == :gets && rand < 0.4 ? { chomp: true } : {}]
      end
      all = lambda do |io|
        calls.map { |name, given, options| InputCalls.result(io, ->(own) { own.send(name, *given, **options) }) }
      end
      streamed = Kino::StreamedInput.new(pieces.new(*in_pieces(body, rand(1..4))), nil)
      expect(all.call(streamed)).to eq(InputCalls.with_file(body, &all)), "#{body.inspect} #{calls.inspect}"
    end
  end
end

RSpec.describe Kino::NoInput do
  let(:input) { described_class.new }

  it "goes anywhere, and is at its end there" do
    expect([input.rewind, input.pos, input.tell, input.seek(3), input.seek(0, IO::SEEK_END), input.size]).to all(eq(0))
  end

  it "refuses a place before its beginning as a File does" do
    expect { input.seek(-1) }.to raise_error(Errno::EINVAL)
    expect { input.pos = -1 }.to raise_error(Errno::EINVAL)
  end

  it "takes what apps of Puma's do with theirs, and stays what it is" do
    input.set_encoding("utf-8")
    input.sync = true
    expect([input.close, input.closed?, input.read, input.string, input.sync, input.flush])
      .to eq([nil, false, "", "", true, input])
    expect([input.write("x"), input.puts("x"), input.read, input.external_encoding])
      .to eq([0, nil, "", Encoding::BINARY])
  end

  it "may be extended" do
    input.extend(Module.new { def own = :own })
    input.instance_variable_set(:@own, 1)
    expect([input.own, input.frozen?]).to eq([:own, false])
  end
end

RSpec.describe Kino::StreamedInput do
  let(:request) { :one }
  let(:exchange) { double("Kino::Native::Exchange") }
  let(:input) { described_class.new(request, trailers) }
  let(:trailers) { {} }

  before { stub_const("Kino::Native", Module.new).const_set(:Exchange, exchange) }

  it "raises what a pipe does where only a file can go on, and says to those who ask that it can't" do
    %i[rewind pos tell].each { |name| expect { input.public_send(name) }.to raise_error(Errno::ESPIPE) }
    expect { input.seek(0) }.to raise_error(Errno::ESPIPE)
    expect { input.pos = 0 }.to raise_error(Errno::ESPIPE)
    expect(%i[rewind seek pos tell pos= size fileno].map { |name| input.respond_to?(name) }).to all(be(false))
    expect(%w[read gets each readpartial close].map { |name| input.respond_to?(name) }).to all(be(true))
  end

  it "asks for no more than it has to, and for nothing after the end" do
    allow(exchange).to receive(:read_body).and_return("ab\ncd".b, "e".b, nil)
    allow(exchange).to receive(:trailers).and_return({ "x" => "y" })
    expect([input.read(0), input.gets, input.read(2)]).to eq(["", "ab\n", "cd"])
    expect(exchange).to have_received(:read_body).with(request, anything).once
    expect([input.read(2), input.read(2), input.eof?, trailers]).to eq(["e", nil, true, { "x" => "y" }])
    expect(exchange).to have_received(:read_body).with(request, anything).exactly(3).times
  end

  it "keeps what it has when the client's fault is raised" do
    stub_const("Fault", Class.new(StandardError))
    replies = ["ab".b, -> { raise Fault }, nil]
    allow(exchange).to receive(:read_body) do
      reply = replies.shift
      reply.respond_to?(:call) ? reply.call : reply
    end
    allow(exchange).to receive(:trailers).and_return({})
    expect { input.read }.to raise_error(Fault)
    expect(input.read).to eq("ab")
  end
end
