# frozen_string_literal: true

require "kino/cli"
require "stringio"
require "tmpdir"
require_relative "../../support/told_signal"

RSpec.describe "kino restart" do
  around { |example| Dir.mktmpdir("kino") { |folder| Dir.chdir(folder) { example.run } } }

  include ToldSignal

  # What the command says, and its status.
  def kino(*argv)
    out, err = StringIO.new, StringIO.new
    status = Kino::CLI.new(["restart", *argv], out: out, err: err).run
    [status, out.string, err.string]
  end

  # The one that comes while the block runs.
  def listener(&) = told_signal("USR1", "USR2", &)

  it "sends USR1, and USR2 with --full, to the process that the pid file names" do
    File.write("kino.rb", 'pidfile "server.pid"')
    { [] => "USR1", ["--full"] => "USR2" }.each do |flags, signal|
      expect(listener do |pid|
        File.write("server.pid", "#{pid}\n")
        expect(kino(*flags)).to match([0, /\AAsked process #{pid} to /, ""])
      end).to eq(signal)
    end
  end

  it "sends it to the process that is named" do
    expect(listener { |pid| expect(kino(pid.to_s).first).to eq(0) }).to eq("USR1")
  end

  it "says what to do where it can't know which" do
    expect(kino).to eq([1, "", 'kino: restart: which process? Write pidfile "tmp/pids/kino.pid" in kino.rb, or kino ' \
                               "restart PID\n"])
    File.write("kino.rb", 'pidfile "server.pid"')
    expect(kino.last).to start_with("kino: restart: server.pid can't be read (No such file or directory); is Kino run")
    File.write("server.pid", "")
    expect(kino.last).to eq("kino: restart: server.pid has no process's id; is Kino running?\n")
    File.write("server.pid", "1 and more")
    expect(kino.last).to eq("kino: restart: server.pid has no process's id; is Kino running?\n")
    File.write("server.pid", "9" * 20)
    expect(kino.last).to eq("kino: restart: there is no process #{"9" * 20} (server.pid); is Kino running?\n")
    File.write("server.pid", "4194999")
    expect(kino.last).to eq("kino: restart: there is no process 4194999 (server.pid); is Kino running?\n")
  end

  it "ends nothing else that has the number by now" do
    File.write("kino.rb", 'pidfile "server.pid"')
    File.write("server.pid", (pid = spawn("sleep", "60")).to_s)
    sleep(0.01) until File.read("/proc/#{pid}/comm") == "sleep\n" # no Ruby any more

    expect(kino.last).to eq("kino: restart: process #{pid} (server.pid) is no Kino, or none that serves yet: it " \
                            "would be ended by that\n")
    expect(Process.wait(pid, Process::WNOHANG)).to be_nil
  ensure
    Process.kill(:KILL, pid) && Process.wait(pid)
  end

  it "tells nothing to another program that has a handler of its own for that" do
    up, theirs = IO.pipe
    pid = spawn(RbConfig.ruby, "--disable=gems", "-e", "trap('USR1') { exit 3 }; $stdout.syswrite('up'); sleep",
                out: theirs)
    theirs.close
    expect(up.read(2)).to eq("up")
    File.write("kino.rb", 'pidfile "server.pid"')
    File.write("server.pid", pid.to_s)

    expect([kino, kino(pid.to_s)]).to all(match([1, "", /\Akino: restart: process #{pid} .*is no Kino/]))
    expect(Process.wait(pid, Process::WNOHANG)).to be_nil
  ensure
    up&.close
    Process.kill(:KILL, pid) && Process.wait(pid)
  end

  it "takes a process's id, and nothing else" do
    expect(kino("all").last).to eq("kino: restart: given \"all\", allowed: a process's id; write kino restart 1234\n")
    expect(kino("-1").first).to eq(1)
    expect(kino("1", "2").last).to eq("kino: restart: given 2 besides, allowed: one PID\n")
    expect(Kino::CLI.new(["--full"], err: err = StringIO.new).run).to eq(1)
    expect(err.string).to eq("kino: --full: is for restart alone; write kino restart --full\n")
  end
end
