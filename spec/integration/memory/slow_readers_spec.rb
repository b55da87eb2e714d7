# frozen_string_literal: true

require_relative "../../support/kino_process"

# What is free inside the allocator is the process's still, until it gives it back.
RSpec.describe "The memory of a server whose slow readers have left" do
  include KinoProcess::Helpers

  before { skip "the system doesn't tell" unless File.exist?("/proc/self/smaps_rollup") }
  before { skip "the allocator is another" unless RbConfig::CONFIG["host_os"].match?(/linux(-gnu)?\z/) }

  # A megabyte for each, in small strings: what is kept of them is the server's own, not Ruby's.
  app = <<~RUBY
    run ->(_) { [200, {}, Array.new(128) { +"" << ("x" * 8192) }] }
  RUBY
  clients = 100

  def client(port)
    socket = Socket.new(:INET, :STREAM)
    socket.setsockopt(:SOCKET, :RCVBUF, 16_384)
    socket.connect(Socket.sockaddr_in(port, "127.0.0.1"))
    RawClient.new(socket)
  end

  def mebibytes(process)
    File.read("/proc/#{process.pid}/smaps_rollup")[/^Anonymous:\s+(\d+)/, 1].to_i / 1024
  end

  # Each has the beginning of its answer: all are left to the engine, or about to be.
  { "HTTP/1.1" => lambda do |connect|
                    asked = Array.new(clients) { connect.call.write(RawClient.message("GET", "/")) }
                    asked.each(&:read_head)
                  end,
    "HTTP/2" => lambda do |connect|
      client = Http2Client.new(connect.call, settings: { 4 => 0 })
      clients.times { |n| client.request(1 + (2 * n), "GET", "/") }
      clients.times { |n| client.read_head(1 + (2 * n)) }
      [client]
    end }.each do |protocol, ask|
    it "is given back, over #{protocol}" do
      write("config.ru", app)
      write("kino.rb", "http2 true\n")
      port = free_port
      server = kino("-b", "tcp://127.0.0.1:#{port}", "-t", "3:3", "--quiet")
      eventually("it serves") { !refused?("http://127.0.0.1:#{port}") }
      asked = ask.call(-> { client(port) })
      most = mebibytes(server)
      asked.each(&:close)
      eventually("it is given back") { mebibytes(server) < most - 30 }
    end
  end
end
