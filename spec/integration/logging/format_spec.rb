# frozen_string_literal: true

require "json"
require "logger"
require "support/kino_process"

RSpec.describe "log_format and log_level" do
  app = Ractor.make_shareable(->(_env) { raise ArgumentError, "no \"luck\"\nat all" })

  # What is on standard error, once it has so many lines, each of which is to be JSON.
  def entries(log, count)
    eventually("there are #{count} lines") { log.text.count("\n") >= count }
    log.allow
    log.text.lines.map { |line| JSON.parse(line) }
  end

  each_mode(of_one_process: true) do
    it "has an error of the app as one line of JSON, with its request" do
      serve(app, lint: false, log_format: :json, request_id: true) do |server, log|
        RawClient.open(server.url) { |client| client.get("/a?secret", { "x-request-id" => "id-1" }) }
        entry, *others = entries(log, 1)

        expect(others).to eq([])
        expect(entry).to include("level" => "error", "message" => "an error in the app", "method" => "GET",
                                 "path" => "/a", "request_id" => "id-1", "error" => "ArgumentError",
                                 "error_message" => "no \"luck\"\nat all", "process" => Process.pid)
        expect(entry["backtrace"].first).to include("format_spec.rb:")
        expect(entry["time"]).to match(/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/)
      end
    end

    it "has what the Rust core says as JSON, and as text again for the next server" do
      serve(app, lint: false, log_format: :json) do |server, log|
        RawClient.open(server.url) { |client| client.write("nonsense\r\n\r\n").read_response }
        expect(entries(log, 1)).to match(
          [include("level" => "warn", "message" => "answered with 400: the request line is not valid",
                   "peer" => "127.0.0.1")]
        )
      end
      serve(app, lint: false) do |server, log|
        RawClient.open(server.url) { |client| client.write("nonsense\r\n\r\n").read_response }
        log.wait_for(/Z  WARN answered with 400: the request line is not valid peer=127.0.0.1$/)
      end
    end

    it "says less and more by log_level" do
      serve(app, lint: false, log_level: :error) do |server, log|
        RawClient.open(server.url) { |client| client.write("nonsense\r\n\r\n").read_response }
        RawClient.open(server.url) { |client| client.get("/") }
        expect(log.wait_for(/no "luck"/)).not_to include("answered with 400")
      end
      serve(app, lint: false, log_level: :debug) do |server, log|
        RawClient.open(server.url) { |client| client.write("nonsense\r\n\r\n").read_response }
        log.wait_for(/DEBUG refused status=400/)
      end
    end

    it "has an error of the app as one message of a logger" do
      said = Thread::Queue.new
      logger = Object.new
      logger.define_singleton_method(:add) { |severity, text| said << [severity, text] }
      serve(app, lint: false, logger: logger) do |server|
        RawClient.open(server.url) { |client| client.get("/") }
        severity, text = said.pop(timeout: Eventually::DEADLINE)
        expect(severity).to eq(Logger::ERROR)
        expect(text).to match(%r{\Aan error in the app \(GET /\): .*format_spec.rb.*no "luck".*\n\tat all.*\n\tfrom }m)
      end
      expect(said).to be_empty
    end
  end

  describe "of a command" do
    include KinoProcess::Helpers

    before { write("config.ru", "run ->(env) { [200, {}, ['hello']] }\n") }

    [1, 2].each do |processes|
      it "has all that is said as JSON, #{processes} processes" do
        process = kino("-b", "unix://#{folder}/sock", "--log-format", "json", "--processes", processes.to_s)
        process.wait_for(%r{"message":"Listening on unix://#{folder}/sock"})
        process.wait_for(/Ctrl-C drains/)
        expect(process.signal(:TERM).status).to eq(0)
        entries = process.out.lines.map { |line| JSON.parse(line) }
        expect(entries.map { |entry| entry["level"] }).to all(eq("info"))
        expect(entries.last["message"]).to eq("Stopped")
      end
    end

    it "says nothing of start and stop above info" do
      process = kino("-b", "unix://#{folder}/sock", "--log-level", "warn")
      eventually("it serves") { File.socket?("#{folder}/sock") }
      expect(process.signal(:TERM).status).to eq(0)
      expect([process.out, process.err]).to eq(["", ""])
    end

    it "names what a level can be" do
      process = kino("--log-level", "loud")
      expect(process.status).to eq(1)
      expect(process.err).to include("--log-level: given \"loud\", allowed: debug, info, warn or error; write ")
    end
  end
end
