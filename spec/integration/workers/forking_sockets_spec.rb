# frozen_string_literal: true

require "support/kino_process"

# A child of fork has its parent's descriptors: those of clients, and of the pairs of sockets by which apps talk to
# clients of TLS and of HTTP/2. Whoever ends must not wait for the child's end.
RSpec.describe "An app that forks while it has clients' sockets" do
  include KinoProcess::Helpers

  let(:app) { <<~'RUBY' }
    $stdout.sync = true
    children = []
    at_exit { children.each { |pid| Process.kill(:KILL, pid) } }
    run(lambda do |env|
      if env["PATH_INFO"] == "/fork"
        stays, goes = fork { sleep }, fork { GC.start && exit }
        children << stays
        Process.wait(goes)
        next [200, {}, ["forked"]]
      end
      next [200, { "content-length" => "9" }, ->(stream) { stream.write("part") && raise("broken off") }] if
        env["PATH_INFO"] == "/broken"

      io = env["rack.hijack"].call
      io.write("HTTP/1.1 101 \r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n") if env["rack.protocol"]
      Thread.new do
        while (bytes = io.readpartial(100))
          io.write(bytes)
        end
      rescue SystemCallError, EOFError => error
        puts "ended: #{error.class}"
        io.close
      end
      [200, {}, []]
    end)
  RUBY

  def serving(*flags)
    write("config.ru", app)
    process = kino("-m", "threaded", "-w", "1", "-t", "2", *flags)
    process.wait_for(/^Ctrl-C/)
    yield process
    expect(process.signal(:TERM).status).to eq(0)
  end

  def fork_children(client) = expect(client.get("/fork").body).to eq("forked")

  def secure(process) = RawClient.new(TLS.connect(TCPSocket.new("127.0.0.1", process.url[/\d+\z/].to_i)))

  def echo(client)
    client.write("echo")
    expect(client.read(4)).to eq("echo")
  end

  {
    "says so" => ->(socket) { socket.close },
    "breaks off" => lambda do |socket|
      socket.to_io.setsockopt(Socket::SOL_SOCKET, Socket::SO_LINGER, [1, 0].pack("ii"))
      socket.to_io.close
    end
  }.each do |how, leave|
    it "hears of the end of a client of TLS that #{how}" do
      made = TLS.made.write(folder)
      serving("-b", "ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:key]}") do |process|
        client = secure(process)
        client.write(RawClient.message("GET", "/"))
        echo(client)
        other = secure(process)
        fork_children(other)
        echo(client)
        leave.call(client.socket)
        process.wait_for(/^ended: /)
        other.close
      end
    end

    it "hears of the end of a client of HTTP/2 that #{how}" do
      write("kino.rb", "http2 true\n")
      serving("-b", "tcp://127.0.0.1:0") do |process|
        client = Http2Client.new(RawClient.open(process.url, protocol: "h2"))
        client.connect(1, "echo")
        client.read_head(1)
        client.data(1, "echo", ends: false)
        expect(client.read_data(1, 4)).to eq("echo")
        RawClient.open(process.url) { |other| fork_children(other) }
        client.data(1, "echo", ends: false)
        expect(client.read_data(1, 4)).to eq("echo")
        leave.call(client.raw.socket)
        process.wait_for(/^ended: /)
      end
    end
  end

  it "has an answer that breaks off end for its client, too" do
    serving("-b", "tcp://127.0.0.1:0") do |process|
      client = RawClient.open(process.url)
      fork_children(client)
      client.write(RawClient.message("GET", "/broken"))
      expect { client.read_response }.to raise_error(RawClient::Truncated)
    end
  end

  it "has its own end of a socket heard by the client" do
    write("kino.rb", "http2 true\n")
    made = TLS.made.write(folder)
    serving("-b", "ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:key]}") do |process|
      client = secure(process)
      fork_children(client)
      client.write(RawClient.message("GET", "/"))
      echo(client)
      client.socket.io.close_write
      expect(client.read_to_end).to eq("")
    end
  end
end
