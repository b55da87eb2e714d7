# frozen_string_literal: true

require "stringio"

# StringIO is the measure: what it answers to the same calls, rack.input has to answer.
RSpec.describe "rack.input" do
  calls = shareable do
    {
      "read, twice" => ->(input) { [input.read, input.read] },
      "read(nil)" => ->(input) { [input.read(nil), input.read(nil)] },
      "read(length) to the end" => ->(input) { Array.new(8) { input.read(5) } },
      "read(length) of more than there is" => ->(input) { [input.read(1_000_000), input.read(1)] },
      "read(0), before and at the end" => ->(input) { [input.read(0), input.read, input.read(0)] },
      "read(length, buffer)" => lambda do |input|
        buffer = +"was here before"
        Array.new(8) { [input.read(7, buffer).equal?(buffer), buffer.dup] }
      end,
      "read(length, buffer) at the end: nil, and an empty buffer" => lambda do |input|
        input.read
        buffer = +"was here before"
        [input.read(7, buffer), buffer]
      end,
      "read(nil, buffer)" => lambda do |input|
        buffer = +"was here before"
        [input.read(nil, buffer).equal?(buffer), buffer.dup, input.read(nil, buffer), buffer]
      end,
      "gets" => ->(input) { Array.new(6) { input.gets } },
      "gets between reads" => ->(input) { [input.read(2), input.gets, input.read(3), input.gets, input.read] },
      "each" => ->(input) { [].tap { |lines| input.each { |line| lines << line } } << input.read },
      "each after a read" => ->(input) { [input.read(3)].tap { |lines| input.each { |line| lines << line } } }
    }
  end
  more_calls = shareable do
    {
      "rewind" => ->(input) { [input.read(4), input.rewind, input.read, input.rewind, input.gets] },
      "size, wherever it was read to" => ->(input) { [input.size, input.read(3), input.size, input.read, input.size] }
    }
  end
  bodies = {
    "a text" => "one\ntwo\n\nand three, without an end",
    "lines that end" => "one\ntwo\n",
    "an empty body" => "",
    "one byte" => "x",
    "bytes" => (0..255).to_a.pack("C*"),
    "one that is spooled" => "a line of forty bytes, its end included\n" * 5_000
  }

  each_mode(of_one_process: true) do
    bodies.each do |name, body|
      calls.merge(more_calls).each do |call, call_it|
        it "answers #{call} of #{name} as an IO does" do
          app = shareable { ->(env) { Probes.answer(call_it.call(env["rack.input"])) } }
          answer = ask(app, "POST", "/", {}, body, lint: calls.key?(call))
          expect(Probes.read(answer)).to eq(call_it.call(StringIO.new(body.b)))
        end
      end
    end

    it "is empty where the request has no body" do
      app = shareable do
        ->(env) { Probes.answer([env["rack.input"].gets, env["rack.input"].read(1), env["rack.input"].read]) }
      end
      expect(Probes.read(ask(app))).to eq([nil, nil, ""])
    end

    { "in memory" => 100, "spooled" => 100_000 }.each do |where, size|
      it "gives binary strings, #{where}" do
        app = shareable do
          lambda do |env|
            input = env["rack.input"]
            Probes.answer([input.read(2), input.gets, input.read].map { |part| part.encoding.name })
          end
        end
        expect(Probes.read(ask(app, "POST", "/", {}, "\u00e9\n" * (size / 3)))).to eq(["ASCII-8BIT"] * 3)
      end

      it "can be closed, and says so when it is read after that, #{where}" do
        app = shareable do
          lambda do |env|
            env["rack.input"].close
            env["rack.input"].read
          rescue IOError
            Probes.answer("closed")
          end
        end
        expect(Probes.read(ask(app, "POST", "/", {}, "x" * size))).to eq("closed")
      end
    end

    it "refuses a length below zero as an IO does" do
      app = shareable do
        lambda do |env|
          env["rack.input"].read(-1)
        rescue ArgumentError => error
          Probes.answer(error.message)
        end
      end
      expect(Probes.read(ask(app, "POST", "/", {}, "body", lint: false))).to match(/negative length -1/)
    end
  end
end
