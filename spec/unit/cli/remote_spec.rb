# frozen_string_literal: true

require "io/console"
require "kino/cli"
require "pty"
require "socket"
require "stringio"
require "tmpdir"
require_relative "../../support/told_signal"

RSpec.describe "The commands about a server that runs" do
  around { |example| Dir.mktmpdir("kino") { |folder| Dir.chdir(folder) { example.run } } }

  include ToldSignal

  # What the command says, and its status.
  def kino(*argv)
    out, err = StringIO.new, StringIO.new
    status = Kino::CLI.new(argv, out: out, err: err).run
    [status, out.string, err.string]
  end

  # Answers each request with what there is for it, and tells all.
  def answering(answers)
    heads = Thread::Queue.new
    server = UNIXServer.new("control.sock")
    thread = Thread.new do
      loop do
        client = server.accept
        heads << (head = client.readpartial(4096))
        status, body = answers.fetch(head[/\A\S+ \S+/])
        client.write("HTTP/1.1 #{status} Is\r\ncontent-length: #{body.bytesize}\r\n\r\n#{body}")
      rescue SystemCallError, IOError
        nil # whoever has asked has left, or has not asked at all: a command may be interrupted anywhere
      ensure
        client&.close
      end
    end
    File.write("kino.rb", 'control "unix://control.sock"')
    yield heads
  ensure
    thread&.kill
    server&.close
  end

  let(:process) do
    { process: 1, pid: 77, state: "ready", ready: true, uptime: 59.0, connections: 2, queue: 0, descriptors: 20,
      workers: { all: 5, busy: 1, idle: 4, stuck: 0 }, memory: { pss: 31_457_280, rss: nil }, gc: nil,
      counters: { requests: 12 } }
  end
  let(:stats) do
    { server: { version: "0.1.0", pid: 77, uptime: 7300.0, ready: true },
      sum: { queue: 3, workers: process[:workers], memory: process[:memory],
             counters: { requests: 12, connections: 2, refused: 4, aborted: 0 } },
      processes: [process] }
  end

  it "say how it is, and end with whether it is ready" do
    answering("GET /stats" => [200, stats.to_json]) do
      status, out, err = kino("status")
      expect([status, err]).to eq([0, ""])
      expect(out).to start_with("Kino 0.1.0, pid 77, up 2 h: ready\n2 connections, 3 requests wait, 1 of 5 threads " \
                                "busy; 12 requests, 30.0 MB\nrefused 4\n\nPROCESS  PID  STATE")
      expect(out).to match(/^ +1 +77 +ready +59 s +2 +0 +1\/5 +0 +12 +30\.0 MB +\? +20 +\?$/)
      expect(kino("status", "--format", "json")[1]).to eq("#{stats.to_json}\n")
    end
    report = Kino::CLI.const_get(:Report).new(JSON.parse(stats.to_json), colours: Kino.const_get(:Colours).new(true))
    expect(report.to_s.lines.values_at(0, 2, 4))
      .to match([end_with(": \e[32mready\e[0m\n"), "\e[33mrefused 4\e[0m\n", start_with("\e[1mPROCESS  PID")])
    stats[:server][:ready] = false
    File.unlink("control.sock")
    answering("GET /stats" => [200, stats.to_json]) { expect(kino("status").first).to eq(1) }
  end

  it "wait for no answer for ever that comes byte by byte" do
    stub_const("Kino::CLI::ControlClient::PATIENCE", 0.2)
    File.write("kino.rb", 'control "unix://control.sock"')
    UNIXServer.open("control.sock") do |server|
      dripping = Thread.new do
        client = server.accept
        loop { client.write(".") && sleep(0.01) }
      rescue SystemCallError
        client.close
      end
      expect(kino("status")).to match([1, "", /has not answered within 0\.2 s/])
      dripping.join
    end
  end

  it "print pages as they are" do
    pages = { "GET /requests?format=text" => [200, "none\n"], "GET /requests?format=json&backtrace=1" => [200, "{}\n"],
              "GET /metrics" => [200, "kino_ready 1\n"], "GET /stats" => [200, stats.to_json] }
    answering(pages) do
      expect(kino("requests")).to eq([0, "none\n", ""])
      expect(kino("requests", "--backtrace", "--format", "json")).to eq([0, "{}\n", ""])
      expect(kino("metrics")).to eq([0, "kino_ready 1\n", ""])
      expect(kino("top")[1]).to start_with("Kino 0.1.0").and end_with("\n\nnone\n")
    end
  end

  # What a terminal of that size is shown by `kino top`, until it has been drawn so many times.
  def shown(rows, columns, times)
    master, slave = PTY.open
    slave.winsize = [rows, columns]
    stub_const("Kino::CLI::Remote::PAUSE", 0)
    thread = Thread.new { Kino::CLI.new(["top"], out: slave, err: slave).run }
    thread.report_on_exception = false
    text = +""
    while text.scan("\e[?7h").size < times && thread.alive?
      text << master.readpartial(4096) if master.wait_readable(0.1)
    end
    thread.raise(Interrupt) if thread.alive?
    [text, thread.value]
  ensure
    [master, slave].each(&:close)
  end

  def frames(text)
    text.split("\e[H\e[J\e[?7l").drop(1).map { |frame| frame.gsub(/\e\[[?\d;]*[a-z]/, "").lines(chomp: true) }
  end

  it "draw no more than a terminal has room for, also where that is little or not known" do
    pages = { "GET /requests?format=text" => [200, "#{"none\n" * 50}"], "GET /stats" => [200, stats.to_json] }
    answering(pages) do
      sizes = { [5, 20] => [4, 20], [1, 1] => [1, 1], [0, 0] => [23, 80], [300, 200] => [299, 200] }
      sizes.each do |size, (rows, columns)|
        text, status = shown(*size, 2)
        expect(status).to eq(0)
        first = frames(text).first.map { |line| line.delete("\r") }.reject { |line| line == "\e[?7h" }
        expect(first.size).to be <= rows
        expect(first.map(&:size).max).to be <= columns
        expect(first.first).to eq("Kino 0.1.0, pid 77, up 2 h: ready"[0, columns])
      end
    end
  end

  it "go on drawing while another server takes the place of the one that they watch" do
    pages = { "GET /requests?format=text" => [200, "none\n"], "GET /stats" => [200, stats.to_json] }
    answering(pages) do
      answers = 0
      allow_any_instance_of(Kino::CLI.const_get(:ControlClient)).to receive(:get).and_wrap_original do |original, path|
        (answers += 1) == 3 ? raise(Kino::ConfigurationError, "top: it is gone") : original.call(path)
      end
      text, status = shown(30, 100, 3)
      expect(status).to eq(0)
      expect(frames(text).first(3).map(&:first).map(&:chomp))
        .to match([start_with("Kino 0.1.0"), "top: it is gone", start_with("Kino 0.1.0")])
    end
  end

  it "tell it what to do" do
    posts = { "POST /stop" => [202, "asked for stop\n"], "POST /restart/full" => [202, "asked\n"],
              "POST /reload" => [409, "with one process there is nothing\n"] }
    answering(posts) do
      expect(kino("stop")).to eq([0, "asked for stop\n", ""])
      expect(kino("restart", "--full").first).to eq(0)
      expect(kino("reload")).to eq([1, "", "kino: reload: with one process there is nothing\n"])
    end
  end

  it "go by the pid file where nobody listens at the control socket" do
    File.write("kino.rb", "control 'unix://control.sock'\npidfile 'server.pid'\n")
    File.write("server.pid", "4194999\n")
    expect(kino("stop").last).to eq("kino: stop: there is no process 4194999 (server.pid); is Kino running?\n")
  end

  it "ask nobody else where nobody listens at an address that they are given" do
    File.write("kino.rb", "pidfile 'server.pid'\n")
    File.write("server.pid", "4194999\n")
    %w[stop restart reload].each do |command|
      expect(kino(command, "--control", "unix:///nowhere/kino.sock").last)
        .to start_with("kino: #{command}: unix:///nowhere/kino.sock can't be asked (No such file or directory)")
    end
  end

  it "say what to write where they can't know which server, or it isn't there" do
    expect(kino("status")).to eq([1, "", 'kino: status: which server? Write control "unix:///run/kino.sock" in its ' \
                                         "kino.rb, or kino status --control URI\n"])
    expect(kino("top", "--control", "unix:///nowhere/kino.sock").last)
      .to eq("kino: top: unix:///nowhere/kino.sock can't be asked (No such file or directory); is Kino running, and " \
             "this its kino.rb?\n")
    expect(kino("stop").last).to start_with("kino: stop: which process? Write pidfile ")
    expect(kino("reload", "one").last)
      .to eq("kino: reload: given \"one\", allowed: a process's id; write kino reload 1234\n")
    expect(kino("status", "7").last).to eq("kino: status: given 7 besides, allowed: nothing\n")
    expect(kino("stop", "--backtrace", "7").last)
      .to eq("kino: --backtrace: is for requests alone; write kino requests --backtrace\n")
  end

  it "send the token over TCP, and say when they lack it" do
    server = TCPServer.new("127.0.0.1", 0)
    File.write("token", "secret\n")
    File.write("kino.rb", "control 'tcp://127.0.0.1:#{server.addr[1]}'\ncontrol_token 'token'\n")
    heads = Thread.new do
      Array.new(2) do |number|
        client = server.accept
        head = client.readpartial(4096)
        client.write("HTTP/1.1 #{number.zero? ? 202 : 401} Is\r\n\r\nso it is\n")
        client.close
        head
      end
    end
    expect(kino("stop")).to eq([0, "so it is\n", ""])
    expect(kino("stop")).to eq([1, "", "kino: stop: so it is\n"])
    expect(heads.value).to all(include("\r\nauthorization: Bearer secret\r\n"))
  ensure
    server&.close
  end

  it "stop a process by its signal, and reload none that would be stopped by that" do
    came = told_signal(*%w[TERM HUP]) do |pid|
      expect(kino("reload", pid.to_s))
        .to match([1, "", /\Akino: reload: process #{pid} is one process alone, and would/])
      expect(kino("stop", pid.to_s)).to eq([0, "Asked process #{pid} to stop; it finishes the requests that run\n", ""])
    end
    expect(came).to eq("TERM")
  end

  it "explain themselves" do
    Kino::CLI::Remote::COMMANDS.each_key do |name|
      status, out, err = kino(name.to_s, "--help")
      expect([status, err]).to eq([0, ""])
      expect(out).to start_with("Usage: kino #{name}").and include("--control URI")
    end
  end
end
