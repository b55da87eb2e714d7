# frozen_string_literal: true

require "socket"
require_relative "open_files"
require_relative "results"
require_relative "wrk"

module Bench
  # What connections cost that do nothing: each has had one answer and is kept alive.
  class IdleConnections
    FOR_CPU = 1_000
    FOR_MEMORY = 10_000
    SECONDS = 10

    # @raise [Problem] when so many files can't be open
    def self.raise_limit = OpenFiles.allow(FOR_MEMORY)

    # @param server [Server]
    # @param path [String]
    def initialize(server, path)
      @server = server
      @request = "GET #{path} HTTP/1.1\r\nhost: 127.0.0.1:#{server.port}\r\n\r\n"
    end

    # @return [Results::Idle]
    def measure
      Wrk.run(@server.url(@request[/ (\S+)/, 1]), seconds: 2, connections: 64)
      kib_each = with(FOR_MEMORY) { |before| (@server.tree.pss_kib - before) / FOR_MEMORY.to_f }
      cpu_percent = with(FOR_CPU) do
        started = @server.tree.cpu_us_fine
        sleep SECONDS
        (@server.tree.cpu_us_fine - started) / (SECONDS * 1_000_000) * 100
      end
      Results::Idle.new(cpu_percent: cpu_percent, kib_each: kib_each)
    end

    private

    # Yields the memory before the connections were made, once they all are idle.
    def with(count)
      sleep 1
      before = @server.tree.pss_kib
      sockets = []
      count.times { sockets << open_one }
      sleep 1
      yield(before).tap { sockets.each { |socket| check_alive(socket) } }
    ensure
      sockets&.each(&:close)
    end

    def open_one
      socket = TCPSocket.new("127.0.0.1", @server.port)
      socket.timeout = 10
      socket.write(@request)
      answer = +""
      answer << socket.readpartial(4096) until answer.include?("\r\n\r\n")
      missing = answer[/^content-length: (\d+)/i, 1].to_i - answer.partition("\r\n\r\n").last.bytesize
      socket.read(missing) if missing.positive?
      socket
    end

    # A server that closed them would look cheap.
    def check_alive(socket)
      open = socket.read_nonblock(1, exception: false) == :wait_readable
      raise Problem, "#{@server.name} closed idle connections" unless open
    end
  end
end
