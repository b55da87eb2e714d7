# frozen_string_literal: true

require "support/kino_processes"
require "support/service_manager"

# Sockets that systemd has opened, and starts the service with (sd_listen_fds(3)).
RSpec.describe "kino that is started with sockets" do
  include KinoProcesses

  before { prepare }

  after do
    [*@sockets].each(&:close)
    @heirs&.each { |pid| Process.kill(:KILL, pid) if alive?(pid) }
  end

  def tcp = TCPServer.open("127.0.0.1", 0).tap { |socket| (@sockets ||= []) << socket }

  def unix(name = "a b.sock") = UNIXServer.open("#{folder}/#{name}").tap { |socket| (@sockets ||= []) << socket }

  # As systemd starts it: the sockets from descriptor 3 on, and what they are told to whom it starts. A shell knows its
  # process id before it becomes the command.
  def start_with(sockets, *arguments, names: nil, env: {}, pid: "$$")
    given = sockets.each_with_index.to_h { |socket, index| [index + 3, socket.fileno] }
    environment = { "LISTEN_FDS" => sockets.size.to_s, "LISTEN_FDNAMES" => names&.join(":"), **env }
    command = ["/bin/sh", "-c", "LISTEN_PID=#{pid} exec \"$@\"", "sh", RbConfig.ruby, "-W1", "-I#{KinoProcess::LIB}",
               KinoProcess::KINO, "-t", "2", *arguments]
    process = KinoProcess.new(command, env: KinoProcess::UNSET.merge(environment), chdir: folder, **given)
    (@processes ||= []) << process
    process
  end

  def url(socket)
    address = socket.local_address
    address.unix? ? "unix://#{address.unix_path}" : "http://127.0.0.1:#{address.ip_port}"
  end

  def stop(pid)
    (@heirs ||= []) << pid
    Process.kill(:TERM, pid)
    eventually("it has ended") { !alive?(pid) }
  end

  each_mode do
    it "listens on all of them, and leaves the file of one behind, which is systemd's" do
      sockets = [tcp, unix]
      process = start_with(sockets, *in_mode(mode), names: %w[web local])
      process.wait_for(/^Ctrl-C/)
      sockets.each { |socket| expect(ask(url(socket)).last).to eq("one") }
      port = sockets.first.local_address.ip_port
      expect(process.out).to include("From systemd: tcp://127.0.0.1:#{port} (web), unix:///")
      expect(process.out.scan(/^Listening on/).size).to eq(2)
      expect(process.signal(:TERM).status).to eq(0)
      expect(File.socket?("#{folder}/a b.sock")).to be(true)
    end

    it "speaks TLS on one whose address says so" do
      made = TLS.made.write(folder, "a b")
      socket = tcp
      port = socket.local_address.ip_port
      query = made.map { |name, path| "#{name}=#{path.gsub(" ", "%20")}" }.join("&")
      process = start_with([socket], "-b", "ssl://127.0.0.1:#{port}?#{query}", *in_mode(mode))
      process.wait_for(/^Ctrl-C/)
      expect(ask("https://127.0.0.1:#{port}").last).to eq("one")
      expect(process.url).to eq("https://127.0.0.1:#{port}")
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "hands them on to the server that takes its place, whose they aren't either" do
      sockets = [tcp, unix]
      manager = FakeServiceManager.new("#{folder}/notify")
      process = start_with(sockets, *in_mode(mode), env: manager.env)
      process.wait_for(/^Ctrl-C/)
      write("version", "two")
      process.signal(:USR2)
      heir = manager.wait_for("MAINPID")["MAINPID"].to_i
      expect(process.status_alone).to eq(0)
      sockets.each { |socket| expect(ask(url(socket)).last).to eq("two") }
      stop(heir)
      expect(File.socket?("#{folder}/a b.sock")).to be(true)
    ensure
      manager&.close
    end

    it "tells neither the app nor what it starts of them" do
      write("config.ru", <<~'RUBY')
        module Told
          def self.call(_)
            held = IO.popen(["ls", "-l", "/proc/self/fd"], &:read).scan(/socket:/)
            [200, {}, [(ENV.keys.grep(/LISTEN/) + held).inspect]]
          end
        end
        run Told
      RUBY
      process = start_with([tcp], *in_mode(mode))
      expect(process.get.body).to eq("[]")
    end

    it "takes by name what bind names, and by address what it has already, and opens the rest" do
      sockets = [tcp, tcp, unix]
      process = start_with(sockets, *in_mode(mode), "-b", "systemd://web", "-b", "unix://#{folder}/a b.sock",
                           "-b", "tcp://127.0.0.1:0", names: %w[web other local])
      process.wait_for(/^Ctrl-C/)
      expect(process.out.scan(/^Listening on (\S+)/).flatten.first).to eq(url(sockets.first))
      expect(process.out.scan(/^Listening on/).size).to eq(3)
      expect(process.out).to match(/^From systemd, and not listened on, since no bind names it: .* \(other\)$/)
      [sockets.first, sockets.last].each { |socket| expect(ask(url(socket)).last).to eq("one") }
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "replaces its processes on them" do
    socket = unix
    process = start_with([socket], "--processes", "2")
    process.wait_for(/^Ctrl-C/)
    write("version", "two")
    process.signal(:USR1).wait_for(/^Restarted/)
    expect(ask(url(socket)).last).to eq("two")
    expect(process.signal(:TERM).status).to eq(0)
    expect(File.socket?("#{folder}/a b.sock")).to be(true)
  end

  it "says which names there are where bind names another, and what is no socket that listens" do
    process = start_with([tcp, tcp], "-b", "systemd://web", names: %w[http admin])
    expect(process.status).to eq(1)
    expect(process.err)
      .to eq("kino: can't listen on systemd://web: systemd has given sockets named \"http\", \"admin\"; write " \
             "FileDescriptorName=web in the .socket that starts this service\n")
    process = kino("-b", "systemd://web")
    expect(process.status).to eq(1)
    expect(process.err).to include("systemd has given no sockets; write FileDescriptorName=web")
    ours, theirs = UNIXSocket.pair
    process = start_with([theirs])
    expect(process.status).to eq(1)
    expect(process.err).to match(/\Akino: .*(doesn't listen|can't be listened on).*\n\z/)
    [ours, theirs].each(&:close)
  end

  it "leaves another process's alone" do
    socket = tcp
    process = start_with([socket], "-b", "tcp://127.0.0.1:0", pid: Process.pid)
    process.wait_for(/^Ctrl-C/)
    expect(process.url).not_to eq(url(socket))
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "begins connections with a PROXY header where bind says so" do
    process = start_with([tcp], "-b", "systemd://web?proxy=true", names: %w[web])
    process.wait_for(/^Ctrl-C/)
    RawClient.open(process.url) do |client|
      client.write("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n#{RawClient.message("GET", "/")}")
      expect(client.read_response.body).to match(/\A\d+ one\z/)
    end
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "names an address that has changed when another server goes on with the sockets that there are" do
    write("kino.rb", "bind 'tcp://127.0.0.1:0'\n")
    manager = FakeServiceManager.new("#{folder}/notify")
    process = kino(env: manager.env)
    process.wait_for(/^Ctrl-C/)
    write("kino.rb", "bind 'tcp://127.0.0.1:#{free_port}'\n")
    process.signal(:USR2).wait_for(/^bind changed, which takes a stop and another start$/)
    stop(manager.wait_for("MAINPID")["MAINPID"].to_i)
  ensure
    manager&.close
  end
end
