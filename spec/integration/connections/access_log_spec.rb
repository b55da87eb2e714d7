# frozen_string_literal: true

require "json"
require "socket"
require "tmpdir"

RSpec.describe "the access log" do
  around { |example| Dir.mktmpdir("kino") { |folder| @folder = folder and example.run } }

  app = lambda do |env|
    case env["PATH_INFO"]
    when "/sleep" then sleep
    when "/missing" then [404, {}, ["no"]]
    when "/socket" then [101, { "upgrade" => "x", "rack.hijack" => lambda(&:close) }, []]
    else [200, { "content-type" => "text/plain" }, ["hello, world\n"]]
    end
  end
  app = Ractor.make_shareable(app)

  def path = File.join(@folder, "access.log")

  # The lines, once there are so many.
  def lines(count)
    eventually("there are #{count} lines") { File.file?(path) && File.read(path).count("\n") >= count }
    File.readlines(path, chomp: true)
  end

  # Several processes may write at once.
  def entries(count) = lines(count).map { |line| JSON.parse(line) }.sort_by { |entry| entry["time"] }

  def logged(app, format: :json, **options, &)
    serve(app, lint: false, access_log: path, access_log_format: format, **options, &)
  end

  each_mode do
    it "has a line for each request, with all that is known of it" do
      logged(app, filter_query: %w[token]) do |server|
        RawClient.open(server.url) do |client|
          client.get("/a?token=x&b=1", { "user-agent" => "agent", "referer" => "http://x/?token=y",
                                         "x-request-id" => "id-1", "traceparent" => "00-1-2-01",
                                         "x-forwarded-for" => "192.0.2.1" })
        end
        RawClient.open(server.url) { |client| client.request("HEAD", "/missing") }

        first, second = entries(2).sort_by { |entry| entry["method"] }
        expect(first).to include(
          "peer" => "192.0.2.1", "method" => "GET", "target" => "/a?token=[FILTERED]&b=1", "protocol" => "HTTP/1.1",
          "status" => 200, "bytes" => 13, "request_id" => "id-1", "traceparent" => "00-1-2-01",
          "user_agent" => "agent", "referer" => "http://x/?token=[FILTERED]"
        )
        expect(first).not_to include("cause")
        expect(first["time"]).to match(/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/)
        expect(first.values_at("queue_ms", "app_ms", "total_ms", "worker", "process")).to all(be_a(Numeric))
        expect(second).to include("peer" => "127.0.0.1", "status" => 404, "bytes" => 0)
        expect(second).not_to include("user_agent")
      end
    end

    it "has a line for what never reached the app, with the cause" do
      logged(app, header_timeout: 0.2, max_body_size: 10, max_uri_size: 100) do |server, log|
        log.allow
        ["GET / HTTP/1.1\r\nhost : x\r\n\r\n", "PUT /big HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n",
         "GET /#{"a" * 200} HTTP/1.1\r\nhost: x\r\n\r\n", "GET /slow HTTP/1.1\r\n"].each do |bytes|
          RawClient.open(server.url) { |client| client.write(bytes).read_response }
        end
        RawClient.open(server.url) { |client| client.write("GET /half HTTP/1.1\r\n") }

        told = entries(5).map { |entry| entry.values_at("status", "cause", "worker") }
        expect(told).to contain_exactly([400, "a header's name is not valid", nil], [413, "max_body_size", nil],
                                        [414, "max_uri_size", nil], [408, "header_timeout", nil],
                                        [499, "client left", nil])
      end
    end

    it "has a line for what is answered in a worker's place, while that is still stuck" do
      not_of_processes "a stop would wait for what is stuck"
      logged(app, request_timeout: 0.2) do |server, log|
        log.allow
        RawClient.open(server.url) { |client| expect(client.get("/sleep").status).to eq(504) }
        expect(entries(1).first).to include("method" => "GET", "target" => "/sleep", "status" => 504,
                                            "cause" => "request_timeout", "worker" => Integer)
        server.stop!
      end
    end

    it "has a line for a connection that the app takes" do
      logged(app) do |server|
        RawClient.open(server.url) do |client|
          client.get("/socket", { "connection" => "upgrade", "upgrade" => "x" })
        end
        expect(entries(1).first).to include("status" => 101, "target" => "/socket")
      end
    end

    it "lets nobody write lines, or to a terminal" do
      logged(app, format: :combined) do |server, log|
        log.allow
        nasty = "\e[31m\"\\\x80\xFF\x9B".b
        RawClient.open(server.url) do |client|
          client.write("GET /a HTTP/1.1\r\nhost: x\r\nuser-agent: \"\\\x80\xFF\x9B\t\r\n\r\n".b).read_response
        end
        RawClient.open(server.url) do |client|
          client.write("#{nasty} /x HTTP/1.1\r\nhost: x\r\n\r\n".b).read_response
        end

        agent, broken = lines(2).partition { |line| line.include?("GET /a") }.map(&:first)
        expect(agent).to end_with('"GET /a HTTP/1.1" 200 13 "-" "\\"\\\\\\x80\\xFF\\x9B"')
        expect(broken).to include('"\\x1B[31m\\"\\\\\\x80\\xFF\\x9B /x HTTP/1.1" 400 ')
        expect(File.binread(path)).to match(/\A[\x20-\x7e\n]*\z/n)
      end
    end

    it "has what a template says" do
      template = "{method} {path} {status} {header:x-tenant} {{}} #{Kino.const_get(:Configuration)::Kinds::LineFormat
        .const_get(:FIELDS).map { |field| "{#{field}}" }.join("|")}"
      logged(app, format: template) do |server|
        RawClient.open(server.url) { |client| client.get("/a?b", { "x-tenant" => "seven" }) }
        expect(lines(1).first).to start_with("GET /a 200 seven {} 20")
      end
    end

    it "loses no line of many" do
      logged(app, format: "{target}") do |server|
        Eventually.concurrently(4) do |number|
          RawClient.visit(server.url, 200) { |client, at| client.get("/#{number}/#{at}") }
        end
        expected = Array.new(4) { |number| Array.new(200) { |at| "/#{number}/#{at}" } }.flatten
        expect(lines(800)).to match_array(expected)
        expect(server.stats[:access_log_dropped]).to eq(0)
      end
    end
  end

  it "is opened anew when it was renamed" do
    self.class.let(:mode) { :threaded }
    logged(app, format: "{path}", mode: :threaded) do |server|
      RawClient.open(server.url) { |client| client.get("/first") }
      lines(1)
      File.rename(path, "#{path}.1")
      server.reopen_logs
      RawClient.open(server.url) { |client| client.get("/second") }
      expect(lines(1)).to eq(["/second"])
      expect(File.read("#{path}.1")).to eq("/first\n")
    end
  end

  it "names a file that can't be opened" do
    require "kino"
    server = Kino::Server.new(app, port: 0, access_log: "#{@folder}/none/access.log")
    expect { server.start }.to raise_error(
      Kino::ConfigurationError, %r{\Aaccess_log: .*/none/access.log can't be opened: No such file.*; write the path}
    )
  end

  describe "of a command" do
    include KinoProcess::Helpers

    before { write("config.ru", "run ->(env) { [200, {}, [env['PATH_INFO']]] }\n") }

    def get(process, path) = RawClient.open(process.url) { |client| client.get(path).status }

    [%w[--processes 1], %w[--processes 2]].each do |processes|
      it "opens it anew on HUP where there is no terminal, #{processes.join(" ")}" do
        process = kino("-b", "tcp://127.0.0.1:0", "--access-log", "log", "--access-log-format", "{path}", *processes,
                       pgroup: true)
        log = File.join(folder, "log")
        expect(get(process, "/first")).to eq(200)
        eventually("it is written") { File.read(log) == "/first\n" }
        File.rename(log, "#{log}.1")
        process.signal(:HUP).wait_for(/^(Opening the access log anew|Reloaded: 2 processes)$/)
        expect(get(process, "/second")).to eq(200)
        eventually("it is written anew") { File.file?(log) && File.read(log) == "/second\n" }
        expect(process.signal(:TERM).status).to eq(0)
      end

      it "names a file that can't be opened, #{processes.join(" ")}" do
        process = kino("-b", "tcp://127.0.0.1:0", "--access-log", "none/log", *processes)
        expect(process.status).to eq(1)
        expect(process.err).to match(%r{\Akino: access_log: .*none/log can't be opened.*; write the path of a file})
      end
    end

    [%w[--processes 1], %w[--processes 2]].each do |processes|
      it "names a pipe that nobody reads, #{processes.join(" ")}" do
        File.mkfifo(File.join(folder, "pipe"))
        process = kino("-b", "tcp://127.0.0.1:0", "--access-log", "pipe", *processes)
        expect(process.status).to eq(1)
        expect(process.err).to match(%r{\Akino: access_log: .*pipe can't be opened.*; nobody reads that pipe; start })
      end
    end

    it "says at the end that lines were lost which nobody has read by then" do
      File.mkfifo(File.join(folder, "pipe"))
      File.open(File.join(folder, "pipe"), "r+") do
        process = kino("-b", "tcp://127.0.0.1:0", "--access-log", "pipe", "--processes", "1", "--access-log-format",
                       "{path} #{"x" * 10_000}")
        30.times { get(process, "/") }
        expect(process.signal(:TERM).status).to eq(0)
        expect(process.err).to match(/access_log: up to \d+ lines were lost at the end/)
      end
    end

    it "loses no line however often it is opened anew, also when its file is gone meanwhile" do
      process = kino("-b", "tcp://127.0.0.1:0", "--access-log", "log", "--access-log-format", "{path}", "--processes",
                     "1", pgroup: true)
      log = File.join(folder, "log")
      RawClient.open(process.url) do |client|
        100.times do |number|
          client.get("/#{number}")
          process.signal(:HUP)
        end
        all = Array.new(100) { |number| "/#{number}" }
        eventually("all are written") { File.readlines(log, chomp: true) == all }
        File.delete(log)
        process.signal(:HUP)
        eventually("there is another") do
          client.get("/more")
          File.file?(log) && File.read(log).include?("/more")
        end
      end
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.err).to eq("")
    end

    it "goes to standard output, and nothing of it is lost at the end" do
      write("kino.rb", "bind 'tcp://127.0.0.1:0'\naccess_log :stdout, format: '{path} {status}'\n")
      process = kino
      3.times { |number| get(process, "/#{number}") }
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.out.scan(%r{^/\d 200$})).to eq(["/0 200", "/1 200", "/2 200"])
    end

    [%w[-m threaded], %w[-m ractor], %w[--processes 2]].each do |way|
      it "goes on at HUP where it goes to standard output and there is no terminal, #{way.join(" ")}" do
        write("config.ru", "module Told\n  def self.call(_) = [200, {}, []]\nend\nrun Told\n")
        write("kino.rb", "bind 'tcp://127.0.0.1:0'\naccess_log :stdout, format: '{path} {status}'\n")
        process = kino(*way, pgroup: true)
        process.wait_for(/^Ctrl-C/)
        process.signal(:HUP).wait_for(/^(The access log goes to standard output|Reloaded: 2 processes)/)
        expect(get(process, "/after")).to eq(200)
        process.wait_for(%r{^/after 200$})
        expect(process.signal(:TERM).status).to eq(0)
      end
    end

    it "costs nobody anything when the reader of standard output stands still" do
      reader, writer = IO.pipe
      process = kino("-b", "unix://#{folder}/sock", "--access-log", "-", "--access-log-format",
                     "{path}#{"x" * 10_000}", out: writer)
      writer.close
      eventually("it serves") { File.socket?("#{folder}/sock") }
      RawClient.open("unix://#{folder}/sock") do |client|
        1000.times { client.get("/") }
      end
      expect(process.signal(:TERM).status).to eq(0)
      reader.close
    end
  end
end
