# frozen_string_literal: true

require "open3"

RSpec.describe "examples/grpc" do
  { "threaded" => %w[-m threaded -t 8], "ractor" => %w[-m ractor -w 1 -t 8],
    "processes" => %w[-m threaded -t 8 --processes 2] }.each do |mode, options|
    context "in #{mode} mode" do
      before(:context) { @server = Example.start("grpc", *options) }
      after(:context) { @server.kill }

      # A message: so long, and these bytes, in a frame of its own.
      def say(client, stream, bytes, ends: false)
        client.data(stream, [0, bytes.bytesize].pack("CN") << bytes.b, ends: ends)
      end

      # Begins a call.
      def begin_call(client, stream, method, fields = {})
        client.request(stream, "POST", "/kino.example.Notes/#{method}",
                       { "content-type" => "application/grpc", "te" => "trailers", **fields }, ends: false)
      end

      # The bytes of a note, as protoc's code would write them; its number is below 128.
      def note(text, number = 0)
        bytes = text.empty? ? "".b : "\x0a".b << text.bytesize << text.b
        number.zero? ? bytes : bytes << "\x10" << number
      end

      # The next message of an answer, which has a frame of its own.
      def hear(client, stream)
        bytes = client.next_frame(:data, stream).payload
        expect(bytes.unpack("CN")).to eq([0, bytes.bytesize - 5])
        bytes.byteslice(5..)
      end

      # What has become of a call: the last frame of the answer.
      def outcome(client, stream)
        frame, fields = client.read_head(stream)
        expect(frame).to be_ends
        fields.to_h
      end

      def visit(&block) = Http2Client.open(@server.url, &block)

      it "answers one message with one, and then with what has become of the call" do
        visit do |client|
          begin_call(client, 1, "Echo", { "x-name" => "Ada", "grpc-timeout" => "60S" })
          say(client, 1, note("hello", 7), ends: true)
          head = client.read_head(1).last.to_h
          expect(head).to include(":status" => "200", "content-type" => "application/grpc")
          expect(head).not_to include("content-length")
          expect(hear(client, 1)).to eq(note("hello, Ada", 7))
          expect(outcome(client, 1)).to eq("grpc-status" => "0", "x-length" => "5")
        end
      end

      it "answers one with many, and many with one" do
        visit do |client|
          begin_call(client, 1, "Count")
          say(client, 1, note("", 3), ends: true)
          client.read_head(1)
          expect(Array.new(3) { hear(client, 1) }).to eq([1, 2, 3].map { |number| note("", number) })
          expect(outcome(client, 1)).to eq("grpc-status" => "0")

          begin_call(client, 3, "Sum")
          [4, 5, 6].each { |number| say(client, 3, note("", number)) }
          client.data(3, "")
          client.read_head(3)
          expect(hear(client, 3)).to eq(note("3 notes", 15))
          expect(outcome(client, 3)).to eq("grpc-status" => "0")
        end
      end

      it "talks while it listens: the head comes before any message, and each answer before the next message" do
        visit do |client|
          begin_call(client, 1, "Chat")
          expect(client.read_head(1).last).to include(%w[:status 200])
          %w[how are you].each do |word|
            say(client, 1, note(word))
            expect(hear(client, 1)).to eq(note(word.upcase))
          end
          client.data(1, "")
          expect(outcome(client, 1)).to eq("grpc-status" => "0")
        end
      end

      it "says what a method has refused in trailers, and what isn't there in the head alone" do
        visit do |client|
          begin_call(client, 1, "Echo")
          say(client, 1, note(""), ends: true)
          client.read_head(1)
          expect(outcome(client, 1)).to eq("grpc-status" => "3", "grpc-message" => "a note has a text")

          begin_call(client, 3, "Nothing%20here")
          expect(outcome(client, 3)).to include(":status" => "200", "grpc-status" => "12",
                                                "grpc-message" => "there is no /kino.example.Notes/Nothing%2520here")
          expect(client.request(5, "POST", "/", { "content-type" => "text/plain" }, "x").answer(5).status).to eq(415)
          expect(client.get(7, "/", { "content-type" => "application/grpc" }).status).to eq(405)
        end
      end

      it "refuses messages that are none" do
        compressed, half, long = "\1\0\0\0\1x", "\0\0\0\0\5abc", "\0\xff\0\0\0"
        wrong = "\0\0\0\0\2\x0a\x05"
        visit do |client|
          seen = ["", "\0\0", half, wrong, compressed, long].each_with_index.map do |bytes, at|
            stream = 1 + (2 * at)
            begin_call(client, stream, "Echo").data(stream, bytes)
            client.read_head(stream)
            outcome(client, stream)["grpc-status"]
          end
          expect(seen).to eq(%w[13 13 13 13 12 8])
        end
      end

      it "ends a call whose time is over" do
        visit do |client|
          begin_call(client, 1, "Count", { "grpc-timeout" => "80m" })
          say(client, 1, "", ends: true)
          answer = client.answer(1)
          expect(answer.trailers).to include(%w[grpc-status 4])
        end
      end

      it "notices at once that a client has cancelled a call, whether it talks or listens" do
        visit do |client|
          %w[Count Chat].each_with_index do |method, at|
            stream = 1 + (2 * at)
            begin_call(client, stream, method)
            say(client, stream, note("x", 0)) && hear(client, stream)
            client.frame(:rst_stream, 0, stream, [8].pack("N"))
            told = "/kino.example.Notes/#{method}: the client has gone"
            eventually("#{method} has ended") { @server.err.include?(told) }
          end
          begin_call(client, 5, "Echo")
          say(client, 5, note("still here"), ends: true)
          expect(client.answer(5).trailers).to include(%w[grpc-status 0])
        end
      end

      it "is called by gRPC's own client for Python" do
        said, status = Open3.capture2e(python, "client.py", @server.url.delete_prefix("http://"),
                                       chdir: File.join(Example::CHECKOUT, "examples/grpc"))
        expect(status).to be_success, said
        expect(said).to match(/\A#{<<~SAID}\z/)
          Echo: hello, Python, -7, x-length 5, OK
          Echo of a megabyte: 1000010 characters back
          Count: 1 2 3 4 5
          Count of many: 20000
          Sum: 4 notes 10
          Sum of nothing: 0 notes 0
          Sum of many: 5000 notes 5000
          Chat: HOW ARE YOU 0 more, OK
          Echo without a text: INVALID_ARGUMENT, a note has a text
          A method that isn't there: UNIMPLEMENTED, there is no /kino.example.Notes/Unknown
          Count without an end, in half a second: DEADLINE_EXCEEDED, .*
          Count without an end, cancelled after \\[1, 2, 3\\]: CANCELLED, .*
          1,000 calls of 50 threads: all answered
          50 chats at once: AND YOU 0 more, OK
        SAID
      end

      # One that has it.
      def python
        all = [ENV["GRPC_PYTHON"], File.join(Example::CHECKOUT, "examples/grpc/tmp/venv/bin/python"), "python3"].compact
        all.find { |one| system(one, "-c", "import grpc", out: File::NULL, err: File::NULL) } ||
          skip("none of #{all.join(", ")} has grpcio: `pip install grpcio`, and name the python in GRPC_PYTHON")
      end
    end
  end
end
