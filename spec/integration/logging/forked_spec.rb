# frozen_string_literal: true

require "support/kino_process"

# A child of fork has its parent's log in its memory, but not the thread that writes it.
RSpec.describe "the log of a forked child" do
  include KinoProcess::Helpers

  it "is one of its own where the child serves, too; what it says otherwise is lost and holds nothing up" do
    write("forking.rb", <<~'RUBY')
      require "kino"
      require "socket"

      def bad_request(server)
        TCPSocket.open("127.0.0.1", server.port) { |client| client.write("GET / HTTP/9.9\r\n\r\n") && client.read }
      end

      serve = -> { Kino::Server.new(->(_) { [200, {}, ["hello"]] }, port: 0).start }
      parent = serve.call
      bad_request(parent)
      child = fork do
        Kino.const_get(:Native).flush_log
        server = serve.call
        2.times { bad_request(server) }
        $stdout.puts "dropped #{server.stats[:log_dropped]}"
        server.stop
      end
      Process.wait(child)
      bad_request(parent)
      $stdout.puts "child #{$?.exitstatus}"
      parent.stop
    RUBY
    process = start("#{folder}/forking.rb", env: { "KINO_LOG" => "debug" })

    expect(process.status).to eq(0)
    expect(process.out).to eq("dropped 0\nchild 0\n")
    expect(process.err.scan("status=505").size).to eq(4)
  end
end
