# frozen_string_literal: true

require "json"
require "tmpdir"
require_relative "../../support/http2_client"

# What each line says of requests that the server itself has ended, by each protocol and in each form.
RSpec.describe "the access log, of what the server has refused" do
  around { |example| Dir.mktmpdir("kino") { |folder| @folder = folder and example.run } }

  let(:app) { BusyApp.new }
  let(:settings) do
    { header_timeout: 1.5, body_timeout: 1.5, max_body_size: 10, max_header_size: 2048, max_uri_size: 1000,
      workers: 1, threads: 1, access_log: path, lint: false }
  end

  def path = File.join(@folder, "access.log")

  def lines(count)
    eventually("there are #{count} lines") { File.file?(path) && File.read(path).count("\n") >= count }
    File.readlines(path, chomp: true)
  end

  # What is sent, and what each is to be told as.
  broken = {
    "GET /bad HTTP/1.1\r\nhost : x\r\n\r\n" => [400, "a header's name is not valid"],
    "PUT /large HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n" => [413, "max_body_size"],
    "GET /long-#{"a" * 1000} HTTP/1.1\r\nhost: x\r\n\r\n" => [414, "max_uri_size"],
    "GET /head HTTP/1.1\r\nhost: x\r\nx-a: #{"a" * 3000}\r\n\r\n" => [431, "max_header_size"],
    "GET /slow HTTP/1.1\r\n" => [408, "header_timeout"],
    "PUT /body HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf" => [408, "body_timeout or body_min_rate"]
  }.freeze

  # By each format: the status and the cause of a line.
  readers = {
    json: ->(line) { JSON.parse(line).values_at("status", "cause") },
    text: ->(line) { [line[/" (\d{3}) bytes=/, 1].to_i, line[/cause="(.*)"\z/, 1]] },
    combined: ->(line) { [line[/" (\d{3}) \d+ "-" "-"\z/, 1].to_i, nil] },
    common: ->(line) { [line[/" (\d{3}) \d+\z/, 1].to_i, nil] },
    "{status} {cause}" => ->(line) { line.split(" ", 2).then { |status, cause| [status.to_i, cause] } }
  }.freeze

  each_mode do
    readers.each do |format, read|
      it "has the status, and the cause where there is room for it, as #{format}" do
        serve(app, **settings, access_log_format: format) do |server, log|
          log.allow
          clients = broken.keys.map { |bytes| RawClient.open(server.url).write(bytes) }
          clients.each(&:read_response).each(&:close)
          RawClient.open(server.url) { |client| client.write("GET /left HTTP/1.1\r\n") }
          has_cause = %i[common combined].none?(format)
          expected = [*broken.values, [499, "client left"]]
          expect(lines(expected.size).map(&read))
            .to match_array(expected.map { |status, cause| [status, (cause if has_cause)] })
        end
      end
    end

    it "has a request that waited too long for a worker, and one whose app took too long" do
      not_of_processes "another serves it, and a stop would wait for what is stuck"
      serve(app, **settings, access_log_format: :json, queue_timeout: 0.3, request_timeout: 3) do |server, log|
        log.allow
        busy = app.occupy(server)
        RawClient.open(server.url) { |client| expect(client.get("/queued").status).to eq(503) }
        expect(busy.read_response.status).to eq(504)
        told = lines(2).map { |line| JSON.parse(line).values_at("target", "status", "cause") }
        expect(told).to eq([["/queued", 503, "queue_timeout"], ["/wait", 504, "request_timeout"]])
        app.go_on
        server.stop!
      end
    end

    it "has the same of streams of HTTP/2" do
      speak(app, **settings, access_log_format: :json) do |client, _, log|
        log.allow
        client.request(1, "PUT", "/large", { "content-length" => "11" }, ends: false)
        expect(client.answer(1).status).to eq(413)
        client.request(3, "PUT", "/body", { "content-length" => "9" }, ends: false).data(3, "half", ends: false)
        client.get(5, "/fine")
        expect(client.answer(3).status).to eq(408)
        told = lines(3).map { |line| JSON.parse(line).values_at("protocol", "target", "status", "cause") }
        expect(told).to contain_exactly(["HTTP/2.0", "/large", 413, "max_body_size"], ["HTTP/2.0", "/fine", 200, nil],
                                        ["HTTP/2.0", "/body", 408, "body_timeout or body_min_rate"])
      end
    end
  end
end
