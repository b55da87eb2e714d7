# frozen_string_literal: true

require "support/kino_process"

# Standard error that nobody reads, or that nobody can be written to: the server serves, and stops, as ever.
RSpec.describe "a log that nobody reads" do
  include KinoProcess::Helpers

  # fcntl(2)
  F_SETPIPE_SZ = 1031

  each_mode do
    before do
      write("config.ru", <<~'RUBY')
        module App
          def self.call(env)
            env["rack.errors"].close if env["PATH_INFO"] == "/close"
            raise "told" unless env["PATH_INFO"] == "/"

            [200, {}, ["hello"]]
          end
        end
        run App
      RUBY
    end

    after { @pipe&.each(&:close) }

    # A pipe that is full after a page.
    def small_pipe
      @pipe = IO.pipe
      @pipe[1].fcntl(F_SETPIPE_SZ, 4096)
      @pipe
    end

    def start_kino(*arguments, log: "debug", **streams)
      process = kino("-b", "tcp://127.0.0.1:0", "-w", "1", "-t", "2", *in_mode(mode), *arguments,
                     env: { "KINO_LOG" => log }, **streams)
      process.url
      process
    end

    # Opened anew, so that the server's own end blocks as ever.
    def fill_up(pipe)
      File.open("/proc/self/fd/#{pipe.fileno}", File::WRONLY | File::NONBLOCK) do |file|
        file.sync = true
        nil while file.write_nonblock("x", exception: false) == 1
      end
    end

    # Each is logged.
    def bad_request(url)
      RawClient.open(url) { |client| client.write("GET / HTTP/9.9\r\n\r\n") && client.read_response }
    end

    def good_request(process) = process.get.status

    # More than any pipe of a page holds.
    def fill(process, requests = 300)
      url = process.url
      requests.times { expect(bad_request(url).status).to eq(505) }
    end

    it "goes on serving when the reader has gone" do
      pipe = IO.pipe
      process = start_kino(log: "warn", err: pipe[1])
      pipe.each(&:close)

      2.times { expect(process.get("/#{"a" * 20_000}").status).to eq(414) }
      20.times { bad_request(process.url) }
      expect(Array.new(5) { good_request(process) }).to all(eq(200))
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "goes on serving when standard error is closed" do
      process = start_kino(err: :close)

      expect(process.get("/#{"a" * 20_000}").status).to eq(414)
      20.times { bad_request(process.url) }
      expect(Array.new(5) { good_request(process) }).to all(eq(200))
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "answers an app that raises when it has closed standard error" do
      process = start_kino

      expect(Array.new(3) { process.get("/close").status }).to all(eq(500))
      expect(good_request(process)).to eq(200)
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "goes on serving when standard error is full, and stops as it is told" do
      process = start_kino(err: small_pipe[1])
      fill(process)

      expect(Array.new(20) { good_request(process) }).to all(eq(200))
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "has no worker wait until somebody reads of the app's errors" do
      process = start_kino(err: small_pipe[1])

      expect(Array.new(60) { process.get("/raise").status }).to all(eq(500))
      expect(good_request(process)).to eq(200)
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "keeps a thousand lines, and says how many were lost when somebody reads on" do
      not_of_processes "each keeps as many"
      reader, writer = small_pipe
      process = start_kino(err: writer)
      fill(process, 1_200)
      read = Thread.new { reader.each_line.find { |line| line.include?("lines of the log were lost") } }

      eventually("it is said") { !read.alive? }
      expect(read.value).to match(/\Akino: \d+ lines of the log were lost/)
    end

    it "goes on serving when standard error is full and does not block" do
      @pipe = small_pipe
      # Of the descriptor, which the server inherits.
      @pipe[1].fcntl(4, 0o4000)
      process = start_kino(err: @pipe[1])
      fill(process)

      expect(Array.new(20) { good_request(process) }).to all(eq(200))
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "ends with its usual status while both of its streams are full" do
      write("kino.rb", "shutdown_timeout 1\n")
      writer = small_pipe[1]
      process = kino("-b", "unix://#{folder}/kino.sock", "-w", "1", "-t", "2", *in_mode(mode),
                     env: { "KINO_LOG" => "debug" }, out: writer, err: writer)
      url = "unix://#{folder}/kino.sock"
      eventually("it listens") { !refused?(url) }
      300.times { expect(bad_request(url).status).to eq(505) }
      fill_up(writer)

      expect(process.signal(:TERM).status).to eq(0)
    end

    it "has written all of it when the process has ended" do
      process = start_kino
      40.times { bad_request(process.url) }

      expect(process.signal(:TERM).status).to eq(0)
      expect(process.err.scan("status=505").size).to eq(40)
    end
  end
end
