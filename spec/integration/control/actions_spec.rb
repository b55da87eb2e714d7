# frozen_string_literal: true

require_relative "../../support/control_socket"
require_relative "../../support/kino_processes"

RSpec.describe "What a server is told at its control socket" do
  include KinoProcesses
  include ControlSocket

  def post(path) = control_post(path).then { |answer| [answer.status, answer.body] }

  def launch(number)
    process = start_processes(number, "--control", control)
    eventually("it is ready") { control_get("/ready").status == 200 }
    process
  end

  def numbers = control_json("/stats")["processes"].select { |one| one["ready"] }.map { |one| one["process"] }

  context "with several processes" do
    it "changes how many there are, boots the app anew and reads settings again" do
      prepare(kino: "processes 2\n")
      process = launch(2)
      expect(post("/processes/+1")).to eq([202, "asked for processes/+1; the log says how that goes\n"])
      eventually("there are three") { numbers == [1, 2, 3] }
      20.times { ask(process.url) }
      counted = eventually("all are counted") do
        count = control_json("/stats")["sum"]["counters"]["answered"]
        count if count == 20
      end
      expect(post("/processes/-1").first).to eq(202)
      eventually("there are two") { numbers == [1, 2] }
      eventually("the third has ended") { control_json("/stats")["server"]["processes_ended"] == 1 }
      expect(control_json("/stats")["sum"]["counters"]["answered"]).to eq(counted) # also of the one that is gone
      expect(control_get("/metrics").body).to include("kino_requests_total{status=\"2xx\"} 20\n")

      write("version", "two")
      expect(post("/restart").first).to eq(202)
      process.wait_for(/^Restarted: 2 processes$/)
      expect(ask(process.url).last).to eq("two")
      expect(post("/reload").first).to eq(202)
      process.wait_for(/^Reloaded: 2 processes$/)

      who = "pid #{Process.pid}, uid #{Process.uid}"
      said = process.out.lines(chomp: true).grep(/^Control: /)
      expect(said).to eq(%w[processes/+1 processes/-1 restart reload].map do |what|
        "Control: #{what} was asked for by #{who}"
      end)
      expect(post("/stop").first).to eq(202)
      expect(process.status).to eq(0)
    end
  end

  context "with one process" do
    %w[/restart /restart/full].each do |path|
      it "has another server take its place, by #{path}" do
        prepare
        process = launch(1)
        expect(post(path).first).to eq(202)
        process.wait_for(/^Stopped$/)
        expect(process.err).to eq("")
        pid = eventually("another serves") { ask(process.url).first.to_i.then { |one| one if one != process.pid } }
      ensure
        Process.kill(:TERM, pid) if pid
      end
    end

    it "stops, and says what it can't do" do
      prepare
      process = launch(1)
      expect(post("/reload")).to eq(
        [409, "with one process settings are not read again; POST /restart starts another in its place\n"]
      )
      expect(post("/processes/+1")).to match([409, /\Awith one process there is none to add or take away; write /])
      expect(control_get("/stop")).to have_attributes(status: 405)
      expect(control_get("/stop")["allow"]).to eq("POST")
      expect(post("/stop").first).to eq(202)
      expect(process.status).to eq(0)
      expect(process.out).to match(/^Control: stop was asked for by pid \d+.*^Stopped$/m)
      expect(process.err).to eq("")
    end
  end

  [1, 2].each do |number|
    it "collects garbage and changes what is logged, in #{number == 1 ? "one process" : "each of several"}" do
      prepare
      process = launch(number)
      count = -> { control_json("/stats")["processes"].map { |one| one.dig("gc", "major_count") } }
      before = eventually("Ruby has told") { count.call.then { |all| all if all.all? } }
      expect(post("/gc")).to eq([200, "garbage was collected in #{number} of #{number} processes\n"])
      eventually("it is counted") { count.call.zip(before).all? { |now, then_| now > then_ } }

      expect(post("/log-level/loud")).to eq(
        [400, "log-level: given \"loud\", allowed: error, warn, info, debug, trace; POST /log-level/debug\n"]
      )
      expect(post("/log-level/debug").first).to eq(200)
      eventually("refusals are logged") do
        RawClient.open(process.url) { |client| client.get("/", "content-length" => %w[1 2]) }
        process.err.include?("DEBUG refused status=400")
      end
    end
  end

  each_mode do
    it "is told that a server that stops does nothing else any more" do
      prepare
      process = kino("-b", "tcp://127.0.0.1:0", "-t", "2", "--control", control, *in_mode(mode))
      process.wait_for(/^Ctrl-C/)
      running = RawClient.open(process.url)
      running.write(RawClient.message("GET", "/wait"))
      process.wait_for(/^inside$/)
      expect(post("/stop").first).to eq(202)
      process.wait_for(/^Stopping: /)
      %w[/restart /restart/full].each do |path|
        expect(post(path)).to eq([409, "the server stops, and does nothing else any more\n"])
      end
      if mode == :processes
        %w[/reload /processes/+1 /processes/-1].each { |path| expect(post(path).first).to eq(409) }
      end
      expect(post("/log-level/debug").first).to eq(200)
      let_go
      expect(running.read_response.body).to eq("went")
      expect([process.status, process.err]).to eq([0, ""])
      expect(process.out.scan(/^Control: (\S+)/)).to eq([["stop"], ["log-level/debug"]])
    end

    it "does nothing over TCP for who has no token, also where the connection is reset" do
      prepare
      token = write("token", "secret\n")
      port = free_port
      write("kino.rb", "bind 'tcp://127.0.0.1:0'\ncontrol 'tcp://0.0.0.0:#{port}'\ncontrol_token '#{token}'\n")
      process = kino("-t", "2", *in_mode(mode))
      process.wait_for(/^Ctrl-C/)
      at = "http://127.0.0.1:#{port}"
      expect(control_post("/stop", at: at).status).to eq(401)
      30.times do
        client = RawClient.open(at)
        client.write("POST /stop HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        client.abort
      end
      with = { "authorization" => "Bearer secret", "content-length" => "0" }
      expect(RawClient.open(at) { |client| client.request("POST", "/gc", with).status }).to eq(200)
      process.wait_for(/^Control: gc was asked for by 127\.0\.0\.1:\d+$/)
      expect(process.out.scan(/^Control: (\S+)/)).to eq([["gc"]])
      expect(control_get("/ready", at: at).status).to eq(200)
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "is no error: a line of severity info, also where little is to be said" do
    prepare(kino: "quiet true\nlog_format :json\n")
    process = kino("-b", "tcp://127.0.0.1:0", "--control", control)
    eventually("it is ready") { File.exist?(@control) && control_get("/ready").status == 200 }
    expect(post("/stop").first).to eq(202)
    expect([process.status, process.err]).to eq([0, ""])
    expect(process.out.lines.map { |line| JSON.parse(line).slice("level", "message") })
      .to match([{ "level" => "info", "message" => /\AControl: stop was asked for by / }])
  end

  it "is told that nobody would do that where a program has the server embedded" do
    require "kino"
    server = Kino::Server.new(->(_) { [200, {}, []] }, port: 0, control: control).start
    expect(post("/stop")).to eq(
      [409, "no command runs this server, so nobody would do that: a program has it embedded\n"]
    )
    expect(server).to be_running
  ensure
    server&.stop
  end
end
