# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "a process that dies" do
  include KinoProcesses

  # The one that serves something, as its title tells once a second.
  def busy_one(process)
    eventually("its title says so") { serving(process).find { |pid| family(process)[pid]&.include?(", 1 running") } }
  end

  it "is told of and replaced, and others notice nothing" do
    prepare
    process = start_processes
    first, second = serving(process)
    kept = RawClient.open(process.url)
    eventually("it is the second's") { kept.get.body.to_i == second || (kept = RawClient.open(process.url)) && false }
    Process.kill(:KILL, first)
    eventually("there are two") { (serving(process) - [first]).size == 2 }

    expect(kept.get.body.to_i).to eq(second)
    eventually("the new one answers") { answerers(process.url).sort == serving(process).sort }
    expect(process.err).to match(/\Akino: process \d \(pid #{first}\) died \(SIGKILL\); another takes its place\n\z/)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is told of with what it was at, which is in no log" do
    prepare
    process = start_processes
    client = RawClient.open(process.url).write(RawClient.message("GET", "/wait?token=secret"))
    process.wait_for(/^inside$/)
    Process.kill(:KILL, busy = busy_one(process))
    eventually("there is another") { serving(process).size == 2 && !alive?(busy) }

    expect(process.err).to match(
      %r{\Akino: process \d \(pid #{busy}\) died \(SIGKILL\), last seen at GET /wait for \d+\.\d s; another takes }
    )
    expect(client).to be_closed
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by a signal to it alone finishes what runs first" do
    prepare
    process = start_processes
    client = RawClient.open(process.url)
    client.write(RawClient.message("GET", "/wait"))
    process.wait_for(/^inside$/)
    busy = busy_one(process)
    Process.kill(:TERM, busy)
    eventually("another serves") { serving(process).size == 3 || serving(process).size == 2 && !alive?(busy) }
    let_go

    expect(client.read_response.body).to eq("went")
    process.signal(:TERM).status
  end

  it "is the mold: another boots the app, and processes go on" do
    prepare
    process = start_processes
    before = mold(process)
    Process.kill(:KILL, before)
    eventually("there is another") { mold(process) && mold(process) != before }
    Process.kill(:KILL, serving(process).first)
    eventually("there are two") { serving(process).size == 2 && answerers(process.url).sort == serving(process).sort }

    expect(process.err).to match(/^kino: the mold died: it ended \(SIGKILL\); another boots the app$/)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "at boot, over and over, ends the server with the reason" do
    prepare(kino: "on_process_boot { raise 'no cache' }\n")
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")

    expect(process.status).to eq(1)
    expect(process.err).to match(/^kino: process \d .*could not boot 5 times in a row, so the server ends; .*no cache/)
  end

  it "with its workers, which can't boot, over and over, ends the server with the reason" do
    prepare(kino: "on_worker_boot { raise 'no database' }\n")
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")

    expect(process.status).to eq(1)
    expect(process.out).to eq("")
    expect(process.err).to match(/^kino: process \d .*could not boot 5 times in a row, so the server ends; .*no datab/)
  end

  it "is the parent: all others end, and nobody holds its sockets" do
    prepare
    process = start_processes
    all = family(process).keys
    process.kill

    eventually("all are gone") { all.none? { |pid| alive?(pid) } }
    eventually("the port is closed") { refused?(process.url) }
  end

  it "is the parent while all of Ruby is stuck in the others: they end all the same" do
    prepare(<<~'RUBY', kino: "shutdown_timeout 0.5\n")
      run lambda { |env|
        if env["PATH_INFO"] == "/stuck"
          $stdout.puts "inside"
          $stdout.flush
          3.pow((2**150_000) - 1, (2**150_000) + 1)
        end
        [200, {}, []]
      }
    RUBY
    process = start_processes
    RawClient.open(process.url).write(RawClient.message("GET", "/stuck"))
    process.wait_for(/^inside$/)
    all = family(process).keys
    process.kill

    eventually("all are gone") { all.none? { |pid| alive?(pid) } }
    eventually("the port is closed") { refused?(process.url) }
  end

  # It keeps its interpreter's lock for long, without being asked for it.
  def stuck_app = <<~'RUBY'
    module Told
      def self.call(env)
        if env["PATH_INFO"] == "/stuck"
          $stdout.puts "inside #{Process.pid}"
          $stdout.flush
          3.pow((2**150_000) - 1, (2**150_000) + 1)
        end
        [200, {}, [Process.pid.to_s]]
      end
    end
    run Told
  RUBY

  # So many clients that come at once, and then send a request each.
  def crowd(process, number)
    clients = Array.new(number) { RawClient.open(process.url) }
    clients.each { |client| client.write(RawClient.message("GET", "/", "connection" => "close")) }
  end

  %i[threaded ractor].each do |mode|
    it "is one that all of Ruby is stuck in, in #{mode} mode: newcomers are left to the others" do
      prepare(stuck_app, kino: "workers 1\n")
      process = start_processes(2, "--mode", mode.to_s)
      stuck = RawClient.open(process.url).write(RawClient.message("GET", "/stuck"))
      process.wait_for(/^inside \d+$/)
      clients = crowd(process, 300)
      # Of the others it may have taken some before it was stuck.
      eventually("they are answered") { clients.count { |client| client.readable?(0) } >= clients.size - 30 }

      expect(stuck.readable?(0)).to be(false)
      Process.kill(:KILL, process.out[/^inside (\d+)$/, 1].to_i)
      expect(stuck).to be_closed
      process.signal(:TERM).status
    end
  end

  it "is one that all of Ruby is stuck in, as all others are: it is named once somebody waits in it, and replaced" do
    prepare(stuck_app, kino: "process_timeout 1\n")
    process = start_processes
    before = serving(process)
    2.times do |number|
      RawClient.open(process.url).write(RawClient.message("GET", "/stuck"))
      eventually("it is stuck") { process.out.scan(/^inside \d+$/).uniq.size > number }
    end
    eventually("another serves") { crowd(process, 10) && (serving(process) - before).any? }

    told = process.err.scan(/^kino: process \d \(pid (\d+)\) has (?:begun|finished) no request for .*; it is ended/)
    pids = told.flatten.map(&:to_i)
    expect([pids.any?, pids == pids.uniq, pids - before]).to eq([true, true, []])
    process.kill
  end

  it "is the parent while others boot for ever: they end all the same" do
    prepare("File.write(\"booting.\#{Process.pid}\", '')\nsleep\n", kino: "preload false\n")
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")
    eventually("both boot") { Dir["#{folder}/booting.*"].size == 2 }
    process.kill

    pids = Dir["#{folder}/booting.*"].map { |path| path[/\d+\z/].to_i }
    eventually("they are gone") { pids.none? { |pid| alive?(pid) } }
  end

  it "is the parent while a process waits in on_process_boot for ever: it ends all the same" do
    prepare(kino: "on_process_boot { File.write('booting', Process.pid) and sleep }\n")
    process = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")
    pid = eventually("one boots") { File.exist?("#{folder}/booting") && File.read("#{folder}/booting").to_i.nonzero? }
    process.kill

    eventually("it is gone") { !alive?(pid) }
  end

  it "is one that gives no sign of life: it is named, with what it serves, and replaced" do
    prepare(kino: "process_timeout 1\n")
    process = start_processes
    client = RawClient.open(process.url)
    client.write(RawClient.message("GET", "/wait?token=secret"))
    process.wait_for(/^inside$/)
    busy = busy_one(process)
    Process.kill(:STOP, busy)
    eventually("it is replaced") { !alive?(busy) && serving(process).size == 2 }

    expect(process.err)
      .to match(%r{^kino: process \d \(pid #{busy}\) has given no sign of life for \d+\.\d s .*GET /wait for})
    expect(process.err).not_to include("secret")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is one whose Ruby is stuck with what got a 504, though nobody waits: it is named, and replaced" do
    prepare(<<~'RUBY', kino: "process_timeout 1\nrequest_timeout 0.5\n")
      run lambda { |env|
        3.pow((2**150_000) - 1, (2**150_000) + 1) if env["PATH_INFO"] == "/stuck"
        [200, {}, [Process.pid.to_s]]
      }
    RUBY
    process = start_processes
    before = serving(process)
    RawClient.open(process.url) { |client| expect(client.get("/stuck?token=secret").status).to eq(504) }
    eventually("it is replaced") { (serving(process) & before).size == 1 && serving(process).size == 2 }

    expect(process.err).to match(
      %r{^kino: process \d \(pid \d+\) has run no Ruby for \d+\.\d s after a 504 \(at GET /stuck for \d+\.\d s\)}
    )
    expect(process.err).not_to include("secret")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is a mold that is stuck, and forks nothing: another boots the app" do
    prepare(kino: "restart_timeout 2\n")
    process = start_processes
    Process.kill(:STOP, stuck = mold(process))
    Process.kill(:KILL, serving(process).first)
    eventually("it is ended") { !alive?(stuck) }
    eventually("there are two") { serving(process).size == 2 }

    expect(process.err).to include("the mold died: it was not ready within 2 s (restart_timeout); another boots")
    expect(process.signal(:TERM).status).to eq(0)
  end
end
