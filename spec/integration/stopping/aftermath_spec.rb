# frozen_string_literal: true

require "open3"
require "rbconfig"

RSpec.describe "A server that has stopped" do
  each_mode do
    # What this process has open and runs.
    def holdings
      GC.start
      [Dir.children("/proc/self/fd").size, Dir.children("/proc/self/task").size, Thread.list.size]
    end

    it "leaves no descriptor and no thread behind" do
      skip "needs /proc to count them" unless File.directory?("/proc/self/fd")

      round = lambda do |*|
        serve(Probes::Echo, workers: 2, threads: 2) do |server|
          clients = Array.new(5) { RawClient.open(server.url) }
          clients.each { |client| client.post("/", "x" * 100_000) }
          clients.each(&:close)
        end
      end
      2.times(&round)
      before = holdings
      10.times(&round)
      eventually("descriptors and threads are back where they were, #{before}") do
        holdings.zip(before).all? { |now, before_that| now <= before_that }
      end
    end

    it "can be started again" do
      server = server_of(Probes::Echo, **Serving::SETTINGS)
      2.times do
        server.start
        expect(RawClient.open(server.url) { |client| client.post("/", "again").body }).to eq("again")
        expect(server.stop).to be(true)
      end
    end

    it "was one of several in the process, which go on" do
      serve(Probes::Echo) do |first|
        serve(Probes::Echo) do |second|
          expect(RawClient.open(second.url) { |client| client.post("/", "second").body }).to eq("second")
        end
        expect(RawClient.open(first.url) { |client| client.post("/", "first").body }).to eq("first")
      end
    end

    # In a process of their own, since they are about the process. HELLO is an app that tells which process it runs in.
    def ruby(script)
      not_of_processes "it is about one that an app has its server in"
      lib = File.expand_path("../../../lib", __dir__)
      hello = "HELLO = Class.new { def self.call(_) = [200, {}, [Process.pid.to_s]] }; MODE = #{mode.inspect}\n"
      output, status = Open3.capture2e(RbConfig.ruby, "-W:no-experimental", "-I", lib, "-r", "kino", "-r", "socket",
                                       "-e", hello + script)
      expect(status).to be_success, output
      output
    end

    it "has started nothing native before start" do
      skip "needs /proc to count threads" unless File.directory?("/proc/self/task")

      expect(ruby(<<~RUBY)).to eq("01")
        tasks = -> { Dir.children("/proc/self/task").size }
        before = tasks.call
        Kino::Server.new(HELLO, port: 0, mode: MODE)
        print tasks.call - before, Thread.list.size
      RUBY
    end

    it "may have been made before a fork, and started after it, in each process" do
      expect(ruby(<<~RUBY).split).to eq(["true"] * 3)
        server = Kino::Server.new(HELLO, port: 0, mode: MODE)
        serve = lambda do
          server.start
          socket = TCPSocket.new("127.0.0.1", server.port)
          socket.write("GET / HTTP/1.0\\r\\n\\r\\n")
          puts socket.read.end_with?("\\r\\n\#{Process.pid}")
          server.stop
          $stdout.flush
        end
        children = Array.new(2) { fork { serve.call } }
        serve.call
        children.each { |pid| Process.wait(pid) }
      RUBY
    end

    it "lets the process end while it still runs and clients are connected" do
      expect(ruby(<<~RUBY)).to eq("200")
        server = Kino::Server.new(HELLO, port: 0, mode: MODE).start
        socket = TCPSocket.new("127.0.0.1", server.port)
        socket.write("GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n")
        print socket.readpartial(100)[9, 3]
      RUBY
    end
  end
end
