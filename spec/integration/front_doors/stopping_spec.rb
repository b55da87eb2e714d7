# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "stopping kino" do
  include KinoProcess::Helpers

  each_mode do
    # On /wait the app says that it is inside, and answers once someone writes to the pipe "go".
    before do
      File.mkfifo("#{folder}/go")
      write("config.ru", <<~'RUBY')
        module App
          def self.call(env)
            return [200, {}, ["hello"]] if env["PATH_INFO"] == "/"

            $stdout.puts "inside"
            $stdout.flush
            loop {} if env["PATH_INFO"] == "/spin"
            stuck if env["PATH_INFO"] == "/native"
            [200, {}, [File.read("go")]]
          end

          # In native code that nobody can call out of: a foreign function without the lock in the main ractor, where
          # one that keeps it would stop all of Ruby; in others, a computation that keeps it.
          def self.stuck
            return 3.pow((2**90_000) - 1, (2**90_000) + 1) unless Ractor.current.name.nil?

            require "fiddle"
            Fiddle::Function.new(Fiddle.dlopen(nil)["sleep"], [Fiddle::TYPE_INT], Fiddle::TYPE_INT).call(600)
          end
        end
        run App
      RUBY
    end

    def start_kino(*arguments)
      process = kino("-b", "tcp://127.0.0.1:0", "-b", "unix://#{folder}/kino.sock", "-w", "1", "-t", "2",
                     "-m", mode.to_s, *arguments)
      process.url
      process
    end

    # What came on standard error, without what Ruby says of its ractors.
    def complaints(process) = process.err.lines.grep_v(/warning: Ractor .* experimental/).join

    # A client whose request is inside the app.
    def client_inside(process, path = "/wait")
      client = RawClient.open(process.url)
      client.write(RawClient.message("GET", path))
      process.wait_for(/^inside$/)
      client
    end

    %i[INT TERM].each do |signal|
      it "lets what runs finish on #{signal}, takes nothing new, and exits 0" do
        process = start_kino
        client = client_inside(process)
        process.signal(signal).wait_for(/^Stopping: waiting up to 30 s for requests that run/)
        eventually("the port is closed") { refused?(process.url) }
        File.write("#{folder}/go", "went")

        response = client.read_response
        expect([response.status, response.body, response["connection"]]).to eq([200, "went", "close"])
        expect(client).to be_closed
        expect(process.status).to eq(0)
        expect(process.out).to end_with("\nStopped\n")
        expect(complaints(process)).to eq("")
        expect(File.exist?("#{folder}/kino.sock")).to be(false)
      end
    end

    it "doesn't wait for connections that ask nothing" do
      write("kino.rb", "shutdown_timeout 3600\n")
      process = start_kino
      RawClient.open(process.url) do |kept|
        expect(kept.get.status).to eq(200)

        expect(process.signal(:TERM).status).to eq(0)
        expect(kept).to be_closed
      end
    end

    it "ends at once on a second signal, with the status a shell gives it" do
      { %i[TERM TERM] => 143, %i[TERM INT] => 130 }.each do |(first, second), status|
        process = start_kino
        client = client_inside(process)
        process.signal(first).wait_for(/^Stopping/)
        eventually("the sockets are closed") { refused?(process.url) && refused?("unix://#{folder}/kino.sock") }

        expect(process.signal(second).status).to eq(status)
        expect(client).to be_closed
        expect(complaints(process)).to eq("")
        expect(File.exist?("#{folder}/kino.sock")).to be(false)
      end
    end

    it "ends without what outlasts shutdown_timeout, says so, and exits 1" do
      write("kino.rb", "shutdown_timeout 0.3\n")
      %w[/wait /spin /native].each do |path|
        process = start_kino
        client_inside(process, "#{path}?token=secret")

        expect(process.signal(:TERM).status).to eq(1)
        expect(complaints(process).lines(chomp: true)).to match([
          "kino: requests still ran 0.3 s after the signal (shutdown_timeout); ending without them",
          /\Akino: gave up GET #{path}, for \d+\.\d s\z/
        ])
      end
    end

    it "runs what the app wants run at exit" do
      write("config.ru", "at_exit { puts 'goodbye' }\n#{File.read("#{folder}/config.ru")}")

      process = start_kino
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.out).to end_with("Stopped\ngoodbye\n")
    end
  end
end
