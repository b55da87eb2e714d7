# frozen_string_literal: true

require "support/kino_processes"
require "support/service_manager"

# What a service of `Type=notify` or `notify-reload` owes to systemd, which hears its main process only.
RSpec.describe "kino that a service manager has started" do
  include KinoProcesses

  before do
    prepare
    @manager = FakeServiceManager.new("#{folder}/notify")
  end

  after do
    @manager.close
    # Those that have taken its place are nobody's children here.
    @heirs&.each { |pid| Process.kill(:KILL, pid) if alive?(pid) }
  end

  attr_reader :manager

  def start_kino(*arguments, **env)
    kino("-b", "tcp://127.0.0.1:0", "-w", "1", "-t", "2", *in_mode(mode), *arguments, env: manager.env(**env))
  end

  # Ends whoever serves now, as systemd does, which knows its process id.
  def stop(pid)
    (@heirs ||= []) << pid
    Process.kill(:TERM, pid)
    eventually("it has ended") { !alive?(pid) }
  end

  each_mode do
    it "tells when it serves, when it stops, and how long that may take, from its main process" do
      write("kino.rb", "shutdown_timeout 120\n")
      process = start_kino
      process.wait_for(/^Ctrl-C/)
      ready = manager.wait_for("READY", "1")
      expect(ready.pid).to eq(process.pid)
      expect(manager.wait_for("STATUS")["STATUS"])
        .to match(/\AServing: 0 requests running \(.* process.*, workers x threads: 1 x 2\)\z/)
      process.signal(:TERM)
      stopping = manager.wait_for("STOPPING", "1")
      expect(stopping["EXTEND_TIMEOUT_USEC"].to_i).to be >= 120_000_000
      expect(process.status).to eq(0)
      expect(manager.heard.map(&:pid).uniq - [process.pid]).to eq([])
    end

    it "tells that it serves once its workers have booted" do
      write("slow", "")
      write("kino.rb", <<~RUBY)
        on_worker_boot do
          File.write("#{folder}/boots", "")
          sleep(0.01) while File.exist?("#{folder}/slow")
        end
      RUBY
      process = start_kino
      eventually("they boot") { File.exist?("#{folder}/boots") }
      sleep(0.5) # in which it would tell too early
      expect(manager.heard.filter_map { |message| message["READY"] }).to eq([])
      File.delete("#{folder}/slow")
      manager.wait_for("READY", "1")
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "tells that requests run" do
      process = start_kino
      Thread.new { RawClient.open(process.url) { |client| client.get("/wait") } }
      process.wait_for(/^inside$/)
      eventually("it is told") { manager.wait_for("STATUS")["STATUS"].start_with?("Serving: 1 request running") }
      let_go
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "tells that requests still run when it is to stop, and loses none" do
      process = start_kino
      client = RawClient.open(process.url)
      client.write(RawClient.message("GET", "/wait"))
      process.wait_for(/^inside$/)
      process.signal(:TERM)
      eventually("it is told") { manager.wait_for("STATUS")["STATUS"].start_with?("Stopping: 1 request running") }
      sleep(0.5) # a process that has nothing to finish has ended by then
      let_go
      expect(client.read_response.body).to eq("went")
      expect([process.status, process.err]).to eq([0, ""])
    end

    it "has another server take its place on USR2, with the manager, too" do
      process = start_kino
      process.wait_for(/^Ctrl-C/)
      manager.wait_for("READY")
      before = Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)
      process.signal(:USR2)
      reloading = manager.wait_for("RELOADING", "1")
      expect(reloading["MONOTONIC_USEC"].to_i).to be >= before
      handed = manager.wait_for("MAINPID")
      heir = handed["MAINPID"].to_i
      expect([handed.pid, handed["READY"], heir == process.pid]).to eq([process.pid, "1", false])
      expect(process.status_alone).to eq(0)
      expect(manager.wait_for("STATUS").pid).to eq(heir)
      stop(heir)
      expect(manager.wait_for("STOPPING").pid).to eq(heir)
      expect(manager.heard.map(&:pid).uniq - [heir]).to eq([])
    end

    it "is ready again when a restart is given up" do
      process = start_kino
      process.wait_for(/^Ctrl-C/)
      manager.wait_for("READY")
      write("config.ru", "raise 'half deployed'")
      process.signal(:USR2)
      manager.wait_for("RELOADING")
      expect(manager.wait_for("READY", "1")["MAINPID"]).to be_nil
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "shows signs of life as long as somebody polls, also while all of Ruby is stuck" do
      write("config.ru", app_of("$stdout.puts('stuck') || loop { Integer.sqrt(1 << 100_000) }"))
      process = start_kino(watchdog: 1)
      client = RawClient.open(process.url)
      client.write(RawClient.message("GET", "/"))
      process.wait_for(/^stuck$/)
      manager.forget
      expect(Array.new(4) { manager.wait_for("WATCHDOG", "1").pid }.uniq).to eq([process.pid])
    end

    it "shows none where another process is watched" do
      process = start_kino(watchdog: 0.1, pid: Process.pid)
      process.wait_for(/^Ctrl-C/)
      2.times { manager.wait_for("STATUS") }
      expect(manager.heard.select { |message| message["WATCHDOG"] }).to eq([])
    end

    it "leaves nothing of the manager to the app, and serves on where nobody listens any more" do
      write("config.ru", app_of("[200, {}, [ENV.keys.grep(/NOTIFY|WATCHDOG/).inspect]]"))
      process = start_kino(watchdog: 10)
      expect(process.get.body).to eq("[]")
      manager.wait_for("READY")
      File.delete("#{folder}/notify")
      process.signal(:TERM)
      expect(process.status).to eq(0)
      expect(process.err.lines.grep_v(/experimental/)).to eq([])
    end
  end

  it "tells the same of ractors" do
    write("config.ru", <<~RUBY)
      module App
        def self.call(_) = [200, {}, ["hello"]]
      end
      run App
    RUBY
    process = kino("-b", "tcp://127.0.0.1:0", "-m", "ractor", "-w", "1", env: manager.env(watchdog: 1))
    expect(manager.wait_for("READY").pid).to eq(process.pid)
    expect(manager.wait_for("STATUS")["STATUS"]).to include("workers x threads: 1 x 1")
    expect(process.get.body).to eq("hello")
    expect(manager.wait_for("WATCHDOG").pid).to eq(process.pid)
    process.signal(:TERM)
    expect([manager.wait_for("STOPPING").pid, process.status]).to eq([process.pid, 0])
  end

  it "tells the same, and has sockets, where rackup starts it" do
    socket = TCPServer.open("127.0.0.1", 0)
    write("config.ru", "run ->(_) { [200, {}, ['hello']] }")
    # A shell knows its process id before it becomes the command.
    program = "ENV.update('LISTEN_PID' => $$.to_s, 'LISTEN_FDS' => '1'); load Gem.activate_bin_path('rackup', 'rackup')"
    process = start("-e", program, "--", "-s", "kino", env: manager.env, 3 => socket.fileno)
    expect(manager.wait_for("READY").pid).to eq(process.pid)
    expect(process.url).to eq("http://127.0.0.1:#{socket.local_address.ip_port}")
    expect(process.get.body).to eq("hello")
    process.signal(:TERM)
    expect([manager.wait_for("STOPPING").pid, process.status]).to eq([process.pid, 0])
  ensure
    socket&.close
  end

  it "restarts on HUP, which is what reloads a service (`Type=notify-reload`)" do
    process = kino("-b", "tcp://127.0.0.1:0", env: manager.env)
    process.wait_for(/^Ctrl-C/)
    manager.wait_for("READY")
    write("version", "two")
    process.signal(:HUP)
    manager.wait_for("RELOADING")
    heir = manager.wait_for("MAINPID")["MAINPID"].to_i
    eventually("the one before has left") { ask(process.url).last == "two" }
    stop(heir)
  end

  it "reads settings again on HUP and replaces processes on USR1, and says when that is done or given up" do
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2", env: manager.env)
    process.wait_for(/^Ctrl-C/)
    manager.wait_for("READY")
    { HUP: /^Reloaded/, USR1: /^Restarted/ }.each do |signal, said|
      process.signal(signal)
      expect(manager.wait_for("RELOADING")["MONOTONIC_USEC"]).to match(/\A\d+\z/)
      expect(manager.wait_for("READY").pid).to eq(process.pid)
      process.wait_for(said)
    end
    write("kino.rb", "no such word")
    process.signal(:HUP)
    manager.wait_for("RELOADING")
    manager.wait_for("READY")
    expect(process.err).to include("the reload is given up")
    expect(process.signal(:TERM).status).to eq(0)
    expect(manager.heard.map(&:pid).uniq - [process.pid]).to eq([])
  end

  it "finds a manager in the abstract namespace" do
    named = FakeServiceManager.new("@kino-#{Process.pid}")
    process = kino("-b", "tcp://127.0.0.1:0", env: named.env)
    expect(named.wait_for("READY").pid).to eq(process.pid)
    expect(process.signal(:TERM).status).to eq(0)
  ensure
    named&.close
  end
end
