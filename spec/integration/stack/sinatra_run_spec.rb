# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "A Sinatra app that runs itself, with Kino as its server" do
  include KinoProcess::Helpers

  before do
    write("app.rb", <<~RUBY)
      require "sinatra/base"
      require "rackup"
      class App < Sinatra::Base
        set server: :kino, port: 0, bind: "127.0.0.1", environment: :production
        set :server_settings, workers: 1, threads: 2
        on_start { puts "on stage" }
        on_stop { $stdout.syswrite("bye\n") } # in a signal's handler, which may come while another write has the lock
        get("/wait") { puts "inside"; File.read("go") }
        get("/") { "hello from \#{env["SERVER_SOFTWARE"]}" }
      end
      $stdout.sync = true
      App.run!
    RUBY
  end

  %i[INT TERM].each do |signal|
    it "serves, and stops at #{signal} with exit status 0" do
      process = start("app.rb")
      expect(process.get.body).to start_with("hello from Kino")
      process.wait_for(/^on stage$/) # from here on the signals are Sinatra's
      expect(process.out).to include("1 worker x 2 threads")
      expect([process.signal(signal).status, process.err[/.*Error.*/]]).to eq([0, nil])
      expect(process.out.scan(/^bye$/).size).to eq(1)
      expect(process.err.lines.map(&:chomp)).to match([/has taken the stage on 0 for production with backup from Kino/,
                                                       /has ended his set/])
    end
  end

  it "finishes what runs when Sinatra stops it, which it does by stop!" do
    File.mkfifo("#{folder}/go")
    process = start("app.rb")
    process.wait_for(/^on stage$/)
    RawClient.open(process.url) do |client|
      client.write(RawClient.message("GET", "/wait"))
      process.wait_for(/^inside$/)
      process.signal(:TERM).wait_for(/^Stopping/)
      File.write("#{folder}/go", "went")
      expect(client.read_response.body).to eq("went")
    end
    expect(process.status).to eq(0)
  end
end
