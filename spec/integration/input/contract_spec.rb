# frozen_string_literal: true

require "support/input_calls"

# Whatever rack.input is, apps read it as they read a file: StringIO is the measure in memory, File everywhere else.
RSpec.describe "rack.input, called in all the ways that apps do" do
  def measure(shape, body, call)
    return InputCalls.result(StringIO.new(body.b), call) if shape == "StringIO"

    InputCalls.with_file(body) { |file| InputCalls.result(file, call) }
  end

  shapes = {
    "Kino::NoInput" => [nil, {}],
    "StringIO" => [InputCalls::BODY, {}],
    "File" => [InputCalls::BODY, { body_buffer: 4 }],
    "Kino::StreamedInput" => [InputCalls::BODY, { stream_bodies: true, workers: 1, threads: 2 }]
  }

  each_mode(of_one_process: true) do
    shapes.each do |shape, (body, settings)|
      it "answers as it should where it is a #{shape}" do
        converse(InputCalls::App, lint: false, **settings) do |client|
          InputCalls::ALL.each_with_index do |(name, call), number|
            # Ruby 3.3's own asks what $/ is, which it refuses to tell in a ractor.
            next if RUBY_VERSION < "4.0" && mode == :ractor && shape == "File" && name.match?(/\Areadline\b/)

            found = Probes.read(client.request("POST", "/#{number}", {}, body))
            expect([name, found]).to eq([name, measure(shape, body.to_s, call)])
          end
        end
      end

      it "is one's own to change where it is a #{shape}" do
        app = shareable do
          lambda do |env|
            input = env["rack.input"]
            input.instance_variable_set(:@own, 1)
            input.set_encoding("utf-8")
            input.extend(Comparable)
            Probes.answer([input.class.name, input.frozen?])
          end
        end
        answer = ask(app, "POST", "/", {}, body, lint: false, **settings)
        expect(Probes.read(answer)).to eq([shape, false])
      end
    end

    it "ends for IO.copy_stream when the last chunk has come" do
      app = shareable do
        lambda do |env|
          copy = StringIO.new
          Probes.answer([IO.copy_stream(env["rack.input"], copy), copy.string, env["rack.input"].readpartial(1)])
        rescue EOFError => error
          Probes.answer([copy.string, error.message])
        end
      end
      converse(app, lint: false, stream_bodies: true, workers: 1, threads: 2) do |client|
        client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        client.write("2\r\nde\r\n0\r\n\r\n")
        expect(Probes.read(client.read_response)).to eq(["abcde", "end of file reached"])
      end
    end
  end
end
