# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "Kino inside another program" do
  include KinoProcess::Helpers

  it "starts no thread when it is required" do
    process = start("-e", <<~RUBY)
      threads = -> { Dir.children("/proc/self/task").sort }
      before = threads.call
      require "kino"
      print threads.call - before
    RUBY

    expect([process.status, process.out]).to eq([0, "[]"])
  end

  # What forks is a command.
  each_mode(of_one_process: true) do
    let(:hello) { "HELLO = Class.new { def self.call(_) = [200, {}, ['hello']] }\n" }

    it "serves in a process that was forked after Kino was required" do
      process = start("-W:no-experimental", "-e", hello + <<~RUBY)
        require "kino"
        children = Array.new(2) do
          fork do
            server = Kino::Server.new(HELLO, port: 0, mode: #{mode.inspect}, workers: 1, threads: 2).start
            puts "Listening on \#{server.url}"
            $stdout.flush
            sleep 0.01 until File.exist?("done")
            exit!(server.stop ? 0 : 1)
          end
        end
        children.each { |child| exit 1 unless Process.wait2(child).last.success? }
      RUBY

      urls = process.wait_for(/^Listening on (.+)\nListening on (.+)$/).captures
      expect(urls.uniq.size).to eq(2)
      urls.each { |url| RawClient.open(url) { |client| expect(client.get.body).to eq("hello") } }
      write("done", "")
      expect(process.status).to eq(0)
      expect(process.err).to eq("")
    end

    it "serves through run until it is stopped" do
      process = start("-e", hello + <<~RUBY)
        require "kino"
        server = Kino::Server.new(HELLO, port: 0, mode: #{mode.inspect})
        Thread.new do
          sleep 0.01 until server.running?
          puts "Listening on \#{server.url}"
          $stdout.flush
          sleep 0.01 until File.exist?("done")
          server.stop
        end
        p server.run
      RUBY

      expect(process.get.body).to eq("hello")
      write("done", "")
      expect(process.status).to eq(0)
      expect(process.out).to end_with("nil\n")
    end
  end

  it "raises one clear error where it can't listen" do
    require "kino"
    TCPServer.open("127.0.0.1", 0) do |other|
      server = Kino::Server.new(->(_) {}, port: other.addr[1])

      expect { server.start }.to raise_error(Kino::BindError, /127\.0\.0\.1:#{other.addr[1]}: another process/)
      expect(server.running?).to be(false)
    end
  end
end
