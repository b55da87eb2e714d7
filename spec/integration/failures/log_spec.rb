# frozen_string_literal: true

RSpec.describe "The log of what an app has raised" do
  # Put into rack.errors by an app that then raises.
  errors = shareable do
    {
      "is closed" => -> { File.open(File::NULL, "w").tap(&:close) },
      "is on a disk that is full" => -> { File.open("/dev/full", "w") },
      "has nobody at its other end" => -> { IO.pipe.then { |reader, writer| reader.close || writer } },
      "is a pipe that is full" => lambda do
        reader, writer = IO.pipe
        Thread.current[:kept] = reader
        nil while writer.write_nonblock("x" * 4096, exception: false) != :wait_writable
        writer
      end,
      "is a pipe that does not take all of it" => lambda do
        reader, writer = IO.pipe
        Thread.current[:kept] = reader
        nil while writer.write_nonblock("x" * 4096, exception: false) != :wait_writable
        reader.read(4096)
        writer
      end,
      "is not open for writing" => -> { File.open(File::NULL, "r") },
      "raises" => -> { Class.new { def write(*) = raise(Exception, "no log today") }.new },
      "is none" => -> { Object.new }
    }
  end

  each_mode do
    errors.each do |how, make|
      it "costs neither the 500 nor the worker where rack.errors #{how}, and is on standard error" do
        app = shareable do
          lambda do |env|
            env["rack.errors"] = make.call if env["PATH_INFO"] == "/broken"
            raise "boom #{"x" * 8_000}"
          end
        end
        converse(app, lint: false, threads: 1) do |client, _, log|
          3.times { expect(client.get("/broken").status).to eq(500) }
          expect(client.get("/").status).to eq(500)
          log.wait_for(%r{(?:kino: an error in the app \(GET /broken\): .*?boom x{8000}.*?){3}}m)
        end
      end
    end

    it "may be taken away, with all that is in the env" do
      app = shareable { ->(env) { env.clear && raise("boom") } }
      converse(app, lint: false, threads: 1) do |client, _, log|
        2.times { expect(client.get.status).to eq(500) }
        log.wait_for(/boom/)
      end
    end

    it "has the path and the message, whatever they are written in" do
      app = shareable do
        lambda do |env|
          raise "kaputt: \u{fc}" if env["PATH_INFO"].end_with?("1")
          raise "kaputt: \u{fc}".encode("UTF-16LE") if env["PATH_INFO"].end_with?("2")
          raise "kaputt: \u{fc}".encode("ISO-8859-1") if env["PATH_INFO"].end_with?("3")

          raise "kaputt: \xFF\u00fc".b
        end
      end
      converse(app, lint: false, environment: "development") do |client, _, log|
        (1..4).each do |number|
          response = client.get("/stra\u{df}e#{number}".b)
          expect([response.status, response.body.force_encoding("UTF-8").valid_encoding?]).to eq([500, true])
        end
        log.wait_for(%r{(?:\(GET /stra\u{df}e\d\): .*?kaputt: \uFFFD?\u{fc}.*?){4}}m)
      end
    end
  end
end
