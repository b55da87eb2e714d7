# frozen_string_literal: true

require "logger"
require "support/kino_process"

RSpec.describe "The setting logger" do
  include KinoProcess::Helpers

  # Keeps what it is told, in whichever process.
  let(:logger) do
    Class.new do
      attr_reader :said

      def initialize = @said = Channel.new

      def add(severity, text) = said << [severity, text]
    end.new
  end

  each_mode do
    it "has what native code says, with its severity, and nothing is on standard error" do
      app = BusyApp.new
      serve(app, workers: 1, threads: 1, queue_timeout: 0.2, logger: logger) do |server|
        busy = Array.new(copies) { app.occupy(server) }
        RawClient.open(server.url) { |client| expect(client.get("/queued").status).to eq(503) }
        severity, text = logger.said.pop(timeout: Eventually::DEADLINE)

        expect(severity).to eq(Logger::WARN)
        expect(text).to start_with("answered with 503: GET /queued waited 0.2 s for a worker; 1 is busy for ")
        copies.times { app.go_on }
        busy.each(&:close)
      end
      expect(logger.said).to be_empty
    end

    it "has what workers say" do
      not_of_processes "its process ends, and the parent starts another"
      boot = shareable { ->(_) { raise "no database" } }
      require "kino"
      server = Kino::Server.new(shareable { ->(_) { [200, {}, []] } }, port: 0, mode:, workers: 1, on_worker_boot: boot,
                                                                       logger:)
      expect { server.run }.to raise_error(Kino::WorkerBootError)

      expect(logger.said.pop(timeout: Eventually::DEADLINE)).to match([Logger::ERROR, /\Aworker 1 .*no database/m])
    end

    it "is given back when the server stops, so that the next one says it on standard error" do
      app = BusyApp.new
      serve(app, workers: 1, threads: 1, logger: logger) { |_| nil }
      serve(app, workers: 1, threads: 1, queue_timeout: 0.2) do |server, log|
        busy = Array.new(copies) { app.occupy(server) }
        RawClient.open(server.url) { |client| expect(client.get("/queued").status).to eq(503) }
        log.wait_for(/answered with 503/)
        copies.times { app.go_on }
        busy.each(&:close)
      end
      expect(logger.said).to be_empty
    end

    it "costs a line where the logger fails" do
      failing = Class.new { def add(*) = raise("full") }.new
      app = BusyApp.new
      serve(app, workers: 1, threads: 1, queue_timeout: 0.2, logger: failing) do |server|
        busy = Array.new(copies) { app.occupy(server) }
        RawClient.open(server.url) { |client| expect(client.get("/queued").status).to eq(503) }
        copies.times { app.go_on }
        expect(busy.map { |client| client.read_response.status }).to all(eq(200))
        busy.each(&:close)
      end
    end
  end

  it "has what a command says, in its own form" do
    write("config.ru", "run ->(_) { [200, {}, []] }\n")
    write("kino.rb", <<~'RUBY')
      require "logger"
      logger Logger.new("kino.log", formatter: ->(level, *, text) { "#{level} #{text}\n" })
      port 0
      workers 2
    RUBY
    process = kino
    log = File.join(folder, "kino.log")
    eventually("it says that it has started") { File.exist?(log) && File.read(log).include?("Ctrl-C") }
    expect(process.signal(:TERM).status).to eq(0)

    expect([process.out, process.err]).to eq(["", ""])
    expect(File.read(log)).to match(/^INFO Kino .*pid \d+\n^INFO 2 workers share.*^INFO Listening on .*^INFO Stopped$/m)
  end

  it "is an object that lines can be said to" do
    require "kino"
    expect { Kino::Server.new(->(_) {}, logger: "log/kino.log") }
      .to raise_error(Kino::ConfigurationError,
                      'logger: given "log/kino.log", allowed: an object with a method add, such as ' \
                      "Logger.new($stdout), or nil for standard output and error; write logger Logger.new($stdout)")
  end
end
