# frozen_string_literal: true

require "support/kino_processes"

# As foreman, bin/dev, a shell or a supervisor has it: who has started the server waits for the process it has started.
RSpec.describe "kino as somebody's child, and full restarts" do
  include KinoProcesses

  # What an example leaves behind where it fails.
  after { @serving&.each { |pid| Process.kill(:KILL, pid) if alive?(pid) } }

  # Restarts it as often as there are versions.
  def restart(process, *versions)
    versions.each do |version|
      write("version", version)
      yield version
      eventually("it has restarted") { ask(process.url).last == version }
      eventually("no other serves") { Array.new(10) { ask(process.url).last }.uniq == [version] }
      eventually("the one before is gone") { title(process.pid) == "kino: relay" && servers(process).size == 1 }
    end
    @serving = servers(process)
  end

  # Those that are the child's own, but for what serves for them.
  def servers(process) = descendants(process.pid).select { |pid| parent_of(pid) == process.pid }

  def listeners(process)
    Dir.glob("/proc/#{process.pid}/fd/*").count { |path| File.readlink(path).start_with?("socket:") }
  rescue Errno::ENOENT
    retry
  end

  each_mode do
    let(:process) do
      prepare(kino: "restart_file 'tmp/restart.txt'\n")
      write("tmp/restart.txt", "")
      kino("-b", "tcp://127.0.0.1:0", "-t", "2", *in_mode(mode)).tap { |process| process.wait_for(/^Ctrl-C/) }
    end

    it "stay that one through two restarts, and end it with 0 by a TERM to it" do
      restart(process, "two", "three") do |version|
        next process.signal(:USR2) if mode == :processes # what a touched file asks for is a rolling restart there

        write("tmp/restart.txt", version)
      end
      expect(listeners(process)).to eq(0)
      expect(process.signal(:TERM).status).to eq(0)
      expect(refused?(process.url)).to be(true)
      expect(@serving.select { |pid| alive?(pid) }).to eq([])
      expect(process.err).to eq("")
    end

    it "hand signals on, while the one before still serves and afterwards" do
      process
      client = RawClient.open(process.url)
      client.write(RawClient.message("GET", "/wait"))
      process.wait_for(/^inside$/)
      write("version", "two")
      process.signal(:USR2).wait_for(/^Stopping/)
      write("version", "three")
      process.signal(:USR2)
      eventually("the third serves") { ask(process.url).last == "three" }
      let_go
      expect(client.read_response.body).to eq("went")
      eventually("the first is a relay") { title(process.pid) == "kino: relay" && servers(process).size == 1 }
      @serving = servers(process)
      expect(process.signal(:INT).status).to eq(0)
      expect(refused?(process.url)).to be(true)
    end

    it "stay that one where what the app wants done at exit takes for ever" do
      prepare("at_exit { sleep }\n#{KinoProcesses::APP}", kino: "shutdown_timeout 0.3\n")
      late = kino("-b", "tcp://127.0.0.1:0", "-t", "2", *in_mode(mode))
      late.wait_for(/^Ctrl-C/)
      restart(late, "two") { late.signal(:USR2) }
      late.signal(:TERM).status
      expect(refused?(late.url)).to be(true)
    end

    it "end it with the status of a server that dies" do
      restart(process, "two") { process.signal(:USR2) }
      Process.kill(:KILL, *@serving)
      expect(process.status).to eq(137)
    end

    it "end the server when it is killed itself" do
      restart(process, "two") { process.signal(:USR2) }
      process.kill
      eventually("nobody listens") { refused?(process.url) && @serving.none? { |pid| alive?(pid) } }
    end
  end
end
