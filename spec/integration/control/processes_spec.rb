# frozen_string_literal: true

require_relative "../../support/control_socket"
require_relative "../../support/kino_processes"

RSpec.describe "The control socket of a command" do
  include KinoProcesses
  include ControlSocket

  stuck_app = <<~'RUBY'
    run lambda { |env|
      if env["PATH_INFO"] == "/stuck"
        $stdout.puts "inside"
        $stdout.flush
        3.pow((2**150_000) - 1, (2**150_000) + 1)
      end
      [200, {}, [Process.pid.to_s]]
    }
  RUBY

  [1, 2].each do |number|
    context "with #{number == 1 ? "one process" : "#{number} processes"}" do
      def launch(number) = start_processes(number, "--control", control)

      it "answers while all of Ruby is stuck" do
        prepare(stuck_app, kino: "process_timeout nil\nready_timeout 0.2\nshutdown_timeout 0.5\n")
        process = launch(number)
        stick(process, number)
        (number * 8).times { RawClient.open(process.url).write(RawClient.message("GET", "/")) }
        expect(control_get("/live").status).to eq(200)
        answer = eventually("none is taken") { control_get("/ready").then { |one| one if one.status == 503 } }
        expect(answer.body).to match(/\Anot ready: requests wait, and none was taken for /)
        process.kill
      end

      it "isn't ready for one that no worker can have Ruby's lock for" do
        prepare(stuck_app, kino: "process_timeout nil\nready_timeout 0.5\nshutdown_timeout 0.5\n")
        process = launch(number)
        stick(process, number)
        number.times { RawClient.open(process.url).write(RawClient.message("GET", "/")) }
        eventually("it isn't ready") { control_get("/ready").status == 503 }
        process.kill
      end

      it "tells that such a one is queued" do
        prepare(stuck_app, kino: "process_timeout nil\nshutdown_timeout 0.5\n")
        process = launch(number)
        stick(process, number)
        RawClient.open(process.url).write(RawClient.message("GET", "/held"))
        eventually("it is queued") do
          control_json("/requests")["requests"].any? { |one| one["path"] == "/held" && one["phase"] == "queued" }
        end
        process.kill
      end

      { queue_timeout: 503, request_timeout: 504 }.each do |setting, status|
        it "has such a one answered with #{status} when #{setting} is over" do
          prepare(stuck_app, kino: "process_timeout nil\nshutdown_timeout 0.5\n#{setting} 0.5\n")
          process = launch(number)
          stick(process, number)
          RawClient.open(process.url) { |client| expect(client.get("/held").status).to eq(status) }
          process.kill
        end
      end

      it "is served by the server that takes its place, without a gap in who answers" do
        prepare
        process = launch(number)
        eventually("it is ready") { control_get("/ready").status == 200 }
        before = control_json("/stats")["server"]["pid"]
        process.signal(:USR2).wait_for(/^Stopped$/)
        eventually("the next one serves it") { File.exist?(@control) && server_pid != before }
        eventually("and is ready") { control_get("/ready").status == 200 }
        Process.kill(:TERM, ask(process.url).first.to_i) if number == 1
      ensure
        end_all
      end
    end
  end

  # Has all of Ruby stuck in that many processes. One that is stuck may be sent the next request, too.
  def stick(process, number)
    eventually("it is ready") { control_get("/ready").status == 200 }
    eventually("all are stuck") do
      RawClient.open(process.url).write(RawClient.message("GET", "/stuck"))
      sleep 0.2
      process.out.scan(/^inside$/).size == number
    end
  end

  def server_pid
    control_json("/stats")["server"]["pid"]
  rescue Errno::ECONNREFUSED, Errno::ENOENT
    nil
  end

  # What a server that was started beside another has left.
  def end_all
    pids = Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).select do |pid|
      File.binread("/proc/#{pid}/environ").include?("KINO_HEIR_OF") && File.readlink("/proc/#{pid}/cwd") == folder
    rescue SystemCallError
      false
    end
    pids.each { |pid| Process.kill(:KILL, pid) }
  rescue Errno::ESRCH
    nil
  end

  it "is ready all the time while processes are replaced" do
    prepare
    process = start_processes(2, "--control", control)
    eventually("it is ready") { control_get("/ready").status == 200 }
    %w[USR1 HUP USR1].each.with_index(1) do |signal, number|
      process.signal(signal)
      eventually("it is done") do
        expect(control_get("/ready").body).to eq("ready\n")
        process.out.scan(/^Re(?:start|load)ed: 2 processes$/).size == number
      end
    end
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "tells of all that was counted by processes that have ended, and of none that serves no more" do
    prepare(KinoProcesses::APP, kino: "refork_after [30, false]\n")
    process = start_processes(2, "--control", control)
    asked = 0
    eventually("it is done") { ask(process.url) && (asked += 1) && process.out.include?("Reforked: 2 processes") }
    eventually("those before are gone") { control_json("/stats")["processes"].size == 2 }

    expect(control_json("/stats")["processes"].map { |one| one["ready"] }).to eq([true, true])
    eventually("all is told") { control_json("/stats")["sum"]["counters"]["answered"] == asked }
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is no child's: with the parent it is gone, though the others still finish what runs" do
    prepare(KinoProcesses::APP, kino: "shutdown_timeout 5\n")
    process = start_processes(2, "--control", control)
    waiting = RawClient.open(process.url).write(RawClient.message("GET", "/wait"))
    process.wait_for(/^inside$/)
    process.kill
    expect { RawClient.open(control) }.to raise_error(Errno::ECONNREFUSED)
    let_go
    waiting.close
  end
end
