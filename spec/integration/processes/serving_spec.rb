# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "processes" do
  include KinoProcesses

  it "all serve one app that was booted once, by the parent's mold, and are named" do
    prepare(kino: "on_process_boot { |index| File.write(\"booted-\#{index}\", Process.pid) }\n")
    process = start_processes(3)

    expect(process.out)
      .to match(/^Kino .*3 processes x threaded: 1 worker x 2 threads, development\), pid #{process.pid}$/)
    eventually("all answer") { answerers(process.url).sort == serving(process).sort }
    expect(serving(process)).to match_array((0..2).map { |index| File.read("#{folder}/booted-#{index}").to_i })
    expect(family(process).values.map { |title| title[/\Akino: [^,]+/] })
      .to contain_exactly("kino: mold", "kino: process 1 of 3", "kino: process 2 of 3", "kino: process 3 of 3")
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out).to end_with("\nStopped\n")
    expect(process.err).to eq("")
  end

  it "are as many as WEB_CONCURRENCY says" do
    prepare
    process = kino("-b", "tcp://127.0.0.1:0", env: { "WEB_CONCURRENCY" => "2" })
    process.wait_for(/^Ctrl-C/)

    expect(serving(process).size).to eq(2)
    expect(process.signal(:INT).status).to eq(0)
  end

  it "each boot an app of their own where it can't be preloaded" do
    prepare("File.open('booted', 'a') { |file| file.puts Process.pid }\n#{KinoProcesses::APP}", kino: "preload false\n")
    process = start_processes

    expect(File.readlines("#{folder}/booted").map(&:to_i)).to match_array(serving(process))
    expect(mold(process)).to be_nil
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "are named while they boot an app of their own, and end at once then where the server is to end" do
    prepare("puts 'boots'\n$stdout.flush\nsleep\n", kino: "preload false\nshutdown_timeout 600\n")
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")
    process.wait_for(/^boots\nboots$/)

    expect(family(process).values)
      .to contain_exactly("kino: process 1 of 2, booting", "kino: process 2 of 2, booting")
    expect(process.signal(:TERM).status).to eq(143)
    expect(process.err).to eq("")
  end

  it "finish what runs while another still boots an app of its own" do
    prepare(KinoProcesses::APP, kino: "preload false\non_process_boot { |index| sleep if index == 1 }\n")
    port = free_port
    process = kino("-b", "tcp://127.0.0.1:#{port}", "--processes", "2")
    eventually("the first serves") { serving(process).size == 1 }
    RawClient.open("http://127.0.0.1:#{port}") do |client|
      client.write(RawClient.message("GET", "/wait"))
      process.wait_for(/^inside$/)
      process.signal(:TERM)
      eventually("the other is gone") { family(process).size == 1 }
      let_go
      expect(client.read_response.body).to eq("went")
    end
    expect(process.status).to eq(143)
  end

  [true, false].each do |preload|
    it "are named, once each, where they boot for too long, and waited for, preload #{preload}" do
      prepare(KinoProcesses::APP, kino: <<~RUBY)
        preload #{preload}
        restart_timeout 0.5
        shutdown_timeout 1
        on_process_boot { |index| File.read("go") if index == 1 }
      RUBY
      process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")
      eventually("it is told") { process.err.include?("process 2") }
      sleep 1.2
      let_go
      process.wait_for(/^Ctrl-C/)

      expect(process.err.lines.grep(/process 2/)).to match(
        [/\Akino: process 2 \(pid \d+\) is not ready after 0.5 s \(restart_timeout\); at the first boot it is waited f/]
      )
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "say once what there is to say of the app that each boots" do
    prepare(KinoProcesses::APP, kino: "preload false\nrefork_after 100\nmode :auto\n")
    process = start_processes

    expect(process.out.scan(/^refork_after: nothing with preload false/).size).to eq(1)
    expect(process.out).to match(/^Kino .*2 processes x (threaded|ractor): .*\nMode auto: \1, since /)
    Process.kill(:KILL, first = serving(process).first)
    eventually("another has its place") { (serving(process) - [first]).size == 2 }
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out.scan(/^refork_after: nothing/).size).to eq(1)
  end

  it "are told of rack.multiprocess" do
    prepare('run ->(env) { [200, {}, [env["rack.multiprocess"].inspect]] }')
    process = start_processes
    expect(ask(process.url)).to eq(["true"])
    process.signal(:TERM).status
  end

  it "finish what runs when the parent is told to stop, and nobody can connect meanwhile" do
    prepare
    pipes = %w[go1 go2].each { |pipe| File.mkfifo("#{folder}/#{pipe}") }
    process = start_processes
    clients = pipes.map { RawClient.open(process.url) }
    clients.zip(pipes) { |client, pipe| client.write(RawClient.message("GET", "/wait?#{pipe}")) }
    eventually("both are inside") { process.out.scan(/^inside$/).size == 2 }
    process.signal(:TERM).wait_for(/^Stopping/)
    eventually("the port is closed") { refused?(process.url) }
    pipes.each { |pipe| let_go(pipe) }

    expect(clients.map { |client| client.read_response.body }.join).to eq("wentwent")
    expect(process.status).to eq(0)
  end

  it "end without what outlasts shutdown_timeout, all together, and exit 1" do
    prepare(kino: "shutdown_timeout 0.3\n")
    process = start_processes
    clients = Array.new(2) { RawClient.open(process.url) }
    clients.each { |client| client.write(RawClient.message("GET", "/wait?token=secret")) }
    eventually("both are inside") { process.out.scan(/^inside$/).size == 2 }

    expect(process.signal(:TERM).status).to eq(1)
    expect(process.err.lines(chomp: true)).to match([
      "kino: requests still ran 0.3 s after the signal (shutdown_timeout); ending without them",
      *Array.new(2) { %r{\Akino: gave up GET /wait, for \d+\.\d s\z} }
    ])
  end

  it "end at once on a later second signal, with the status a shell gives it" do
    prepare
    process = start_processes
    client = RawClient.open(process.url)
    client.write(RawClient.message("GET", "/wait"))
    process.wait_for(/^inside$/)
    process.signal(:TERM).wait_for(/^Stopping/)
    eventually("it ends") do
      process.signal(:TERM)
      false
    rescue Errno::ESRCH
      true
    end

    expect(process.status).to eq(143)
    expect(client.read_response.status).to eq(503)
  end

  it "call what is to be called in each, and in the booted app" do
    prepare(kino: <<~'RUBY')
      note = ->(text) { File.open("noted", "a") { |file| file.syswrite("#{text}\n") } }
      before_fork { note.call("before_fork") }
      on_warmup { |app| note.call("warm #{app.get("/")}") }
      on_process_boot { |index| note.call("boot #{index}") }
      on_worker_boot { |index| note.call("worker #{index}") }
      on_process_exit { |index| note.call("exit #{index}") }
    RUBY
    process = start_processes
    expect(process.signal(:TERM).status).to eq(0)

    lines = File.readlines("#{folder}/noted", chomp: true)
    expect(lines.first(2)).to eq(["warm 200", "before_fork"])
    expect(lines.last(2)).to contain_exactly("exit 0", "exit 1")
    expect(lines[2..-3]).to contain_exactly("boot 0", "boot 1", "worker 0", "worker 0")
  end

  it "say so where what was to warm the app up was refused" do
    prepare("run ->(env) { [env['HTTP_HOST'] == 'example.com' ? 200 : 403, {}, []] }",
            kino: 'on_warmup { |app| [app.get("/a"), app.get("/b", "Host" => "example.com")] }')
    process = start_processes

    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to include("refuses (GET /a with 403), so little of it has been warmed up")
  end

  it "don't start where the app can't be booted, and say why" do
    prepare("raise 'no such database'")
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")

    expect(process.status).to eq(1)
    expect(process.err).to start_with("kino: config.ru could not be loaded: RuntimeError: no such database\n")
    expect(process.out).to eq("")
  end

  it "aren't forked from an app that has started a server of its own" do
    prepare("Kino::Server.new(->(_) { [200, {}, []] }, port: 0).start\n#{KinoProcesses::APP}")
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")

    expect(process.status).to eq(1)
    expect(process.err).to start_with("kino: the app has started 1 server of Kino's while it booted, and can't be for")
  end

  it "name the app's own threads, which no process has" do
    prepare("Thread.new { sleep }.name = 'metrics'\n#{KinoProcesses::APP}")
    process = start_processes

    expect(process.err).to match(/^kino: warning: the app has started 1 thread while it booted \(metrics\), which no/)
    process.signal(:TERM).status
  end

  it "serve also where the app leaves those that end to the system" do
    prepare("trap('CHLD', 'IGNORE')\n#{KinoProcesses::APP}")
    process = start_processes
    all = serving(process)

    expect(all.size).to eq(2)
    expect(all).to include(ask(process.url).first.to_i)
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to eq("")
  end

  it "are named where what they do at their end takes for ever" do
    prepare(kino: "shutdown_timeout 0\non_process_exit { |process| sleep if process == 1 }\n")
    process = start_processes

    expect(process.signal(:TERM).status).to eq(1)
    expect(process.err)
      .to match(/\Akino: process 2 \(pid \d+\) has not ended in time \(shutdown_timeout\); it is ended\n\z/)
  end

  it "end in order, the mold too, where what the app wants done at exit takes for ever" do
    prepare("at_exit { sleep }\n#{KinoProcesses::APP}", kino: "shutdown_timeout 0.5\n")
    process = start_processes

    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to eq("")
  end
end
