# frozen_string_literal: true

require "pty"
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
                     *in_mode(mode), *arguments)
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

    %i[INT TERM QUIT HUP].each do |signal|
      it "lets what runs finish on #{signal}, takes nothing new, and exits 0" do
        not_of_processes "settings are read again on HUP" if signal == :HUP
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

    it "lets what runs finish when its terminal is closed" do
      socket = "unix://#{folder}/kino.sock"
      terminal, keyboard, pid = PTY.spawn(KinoProcess::UNSET, RbConfig.ruby, "-W1", "-I#{KinoProcess::LIB}",
                                          KinoProcess::KINO, "-b", socket, *in_mode(mode), chdir: folder)
      wait_for = ->(text) { terminal.find { |line| line.include?(text) } || raise("no #{text.inspect} came") }
      wait_for.call("Ctrl-C drains")
      RawClient.open(socket) do |client|
        client.write(RawClient.message("GET", "/wait"))
        wait_for.call("inside")
        [terminal, keyboard].each(&:close)
        eventually("the socket is closed") { refused?(socket) }
        File.write("#{folder}/go", "went")
        expect(client.read_response.body).to eq("went")
      end
      expect(Process.wait2(pid).last.exitstatus).to eq(0)
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

    # Sends a signal until the process has ended: within the first second it is the same wish.
    def insist(process, signal)
      eventually("it ends") do
        process.signal(signal)
        false
      rescue Errno::ESRCH
        true
      end
      process.status
    end

    it "ends at once on a later second signal, with the status a shell gives it" do
      { %i[TERM TERM] => 143, %i[INT INT] => 130 }.each do |(first, second), status|
        process = start_kino
        client = client_inside(process)
        process.signal(first).wait_for(/^Stopping/)
        eventually("the sockets are closed") { refused?(process.url) && refused?("unix://#{folder}/kino.sock") }

        expect(insist(process, second)).to eq(status)
        expect(client.read_response.status).to eq(503)
        expect(client).to be_closed
        expect(complaints(process)).to eq("")
        expect(File.exist?("#{folder}/kino.sock")).to be(false)
      end
    end

    it "takes two signals in a row for one wish, as where foreman sends INT and TERM" do
      [%i[INT TERM], %i[TERM INT], %i[HUP TERM]].each do |signals|
        process = start_kino
        client = client_inside(process)
        signals.each { |signal| process.signal(signal) }
        process.wait_for(/^Stopping/)
        File.write("#{folder}/go", "went")

        expect(client.read_response.body).to eq("went")
        expect(process.status).to eq(0)
        expect(complaints(process)).to eq("")
      end
    end

    # As a shell's script begins a command in the background, and `nohup` any.
    def ignoring(*signals)
      former = signals.to_h { |signal| [signal, Signal.trap(signal, "IGNORE")] }
      yield
    ensure
      former.each { |signal, handler| Signal.trap(signal, handler) }
    end

    it "obeys INT and QUIT where it was started with them ignored, and leaves HUP to nohup" do
      %i[INT QUIT].each do |signal|
        process = ignoring(:INT, :QUIT, :HUP) { start_kino }
        client = client_inside(process)
        process.signal(:HUP)
        expect(process.get.body).to eq("hello")
        process.signal(signal).wait_for(/^Stopping/)
        File.write("#{folder}/go", "went")

        expect(client.read_response.body).to eq("went")
        expect(process.status).to eq(0)
      end
    end

    it "goes on at TTIN and TTOU, which a terminal would stop it with" do
      not_of_processes "they mean something there, see processes/restarting_spec"
      process = start_kino
      client = client_inside(process)
      2.times { %i[TTIN TTOU].each { |signal| process.signal(signal) } }
      expect(process.get.body).to eq("hello")
      File.write("#{folder}/go", "went")
      expect(client.read_response.body).to eq("went")

      expect(process.signal(:TERM).status).to eq(0)
      expect(complaints(process)).to eq("")
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

    it "runs what the app wants run at exit, on every way out" do
      write("kino.rb", "shutdown_timeout 0.3\n")
      write("config.ru", "at_exit { puts 'goodbye' }\n#{File.read("#{folder}/config.ru")}")

      process = start_kino
      expect(process.signal(:TERM).status).to eq(0)
      # The parent, which has no app, is the last to end.
      expect(process.out).to end_with(mode == :processes ? "goodbye\n" * 3 + "Stopped\n" : "Stopped\ngoodbye\n")

      process = start_kino
      client_inside(process, "/spin")
      expect(process.signal(:TERM).status).to eq(1)
      expect(process.out).to end_with("\ngoodbye\n")

      write("kino.rb", "shutdown_timeout 3600\n")
      process = start_kino
      client_inside(process)
      expect(insist(process, :TERM)).to eq(143)
      expect(process.out).to end_with("\ngoodbye\n")
    end

    it "waits for that no longer than a second once it had to end by force, and what is left of the time otherwise" do
      write("kino.rb", "shutdown_timeout 0.3\n")
      write("config.ru", "at_exit { sleep }\n#{File.read("#{folder}/config.ru")}")
      process = start_kino
      client_inside(process)
      expect(process.signal(:TERM).status).to eq(1)

      process = start_kino
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.out).to end_with("Stopped\n")
    end
  end
end
