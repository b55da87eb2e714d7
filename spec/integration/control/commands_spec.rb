# frozen_string_literal: true

require "io/console"
require "pty"
require_relative "../../support/control_socket"
require_relative "../../support/kino_processes"

# What the on-call engineer types, against a server that runs.
RSpec.describe "The commands about a server, asked of one" do
  include KinoProcesses
  include ControlSocket

  # What a command says in the server's folder, and its status.
  def command(*arguments)
    process = kino(*arguments)
    [process.status, process.out, process.err]
  end

  [1, 2].each do |number|
    it "say how it is and what it is at, and have it restart, reload and stop, with #{number} processes" do
      prepare(kino: "control '#{control}'\npidfile 'server.pid'\nbind 'tcp://127.0.0.1:0'\n")
      process = start_processes(number)
      eventually("it is ready") { control_get("/ready").status == 200 }
      waiting = RawClient.open(process.url).write(RawClient.message("GET", "/wait?secret"))
      process.wait_for(/^inside$/)

      status, out, err = command("status")
      expect([status, err]).to eq([0, ""])
      expect(out).to match(/\AKino \S+, pid #{process.pid}, up \d+ s: ready\n/).and match(/^PROCESS +PID +STATE/)
      expect(JSON.parse(command("status", "--format", "json")[1])["processes"].size).to eq(number)
      expect(command("requests")[1]).to match(%r{running .* GET /wait$})
      expect(command("requests", "--backtrace")[1]).to include("config.ru")
      expect(command("metrics")[1]).to include("kino_ready 1\n")
      expect(command("top")[1]).to include("GET /wait", "ready")
      let_go
      waiting.close

      if number == 1
        expect(command("reload")).to match([1, "", /\Akino: reload: with one process settings are not read again/])
        expect(command("stop").first(2)).to eq([0, "asked for stop; the log says how that goes\n"])
      else
        expect(command("reload").first).to eq(0)
        process.wait_for(/^Reloaded: 2 processes$/)
        write("version", "two")
        expect(command("restart").first).to eq(0)
        process.wait_for(/^Restarted: 2 processes$/)
        expect(ask(process.url).last).to eq("two")
        expect(command("stop", process.pid.to_s)[1]).to start_with("Asked process #{process.pid} to stop")
      end
      expect(process.status).to eq(0)
      expect(File.exist?("#{folder}/server.pid")).to be(false)
      expect(command("status")).to match([1, "", /\Akino: status: .* can't be asked/])
    end
  end

  it "draw what there is on a terminal, and go on when another server takes the place of the one that was there" do
    prepare(kino: "control '#{control}'\nbind 'tcp://127.0.0.1:0'\n")
    process = start_processes(1)
    eventually("it is ready") { control_get("/ready").status == 200 }
    master, slave = PTY.open
    slave.winsize = [10, 60]
    top = Process.spawn(KinoProcess::UNSET, RbConfig.ruby, "-I#{KinoProcess::LIB}", KinoProcess::KINO, "top",
                        chdir: folder, in: slave, out: slave, err: slave)
    slave.close
    shown = +""
    see = lambda do |pattern|
      eventually("#{pattern} is shown") do
        shown << master.readpartial(65_536) if master.wait_readable(0.1)
        shown.match?(pattern)
      end
    end
    see.call(/pid #{process.pid}, up/)
    plain = shown.gsub(/\e\[[?\d;]*[a-zA-Z]/, "").delete("\r")
    expect(plain.lines(chomp: true).map(&:size).max).to be <= 60
    process.signal(:USR2)
    other = eventually("another serves") do
      pid = control_json("/stats")["server"]["pid"]
      pid if pid != process.pid
    rescue SystemCallError
      nil
    end
    see.call(/pid #{other}, up/)
    Process.kill(:INT, top)
    expect(Process.wait2(top).last.exitstatus).to eq(0)
  ensure
    master&.close
    Process.kill(:TERM, other) if other
  end
end
