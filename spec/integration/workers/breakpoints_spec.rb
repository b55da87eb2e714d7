# frozen_string_literal: true

require "support/kino_process"

# A breakpoint is a request that waits for somebody at a terminal.
RSpec.describe "A breakpoint" do
  include KinoProcess::Helpers

  def serve_app(*flags, **streams)
    write("config.ru", <<~RUBY)
      require "irb"
      $stdout.sync = true
      run(lambda do |env|
        if env["PATH_INFO"] == "/stop"
          number = 41
          binding.irb
          number += 1
        end
        [200, {}, [number.to_s]]
      end)
    RUBY
    @server = kino("-b", "tcp://127.0.0.1:0", *flags, env: { "HOME" => folder, "TERM" => "dumb" }, **streams)
  end

  [[], %w[--reload]].each do |flags|
    it "holds no other request, and is ended by nothing#{" with #{flags.first}" if flags.any?}" do
      reader, writer = IO.pipe
      serve_app(*flags, "-t", "2", in: reader)
      stopped = Thread.new { @server.get("/stop").body }
      @server.wait_for(/binding\.irb/)
      3.times { expect(@server.get("/").body).to eq("") }
      writer.puts "number * 1000"
      @server.wait_for(/41000/)
      3.times { expect(@server.get("/").body).to eq("") }
      writer.puts "exit"
      expect(stopped.value).to eq("42")
      expect(@server.signal(:TERM).status).to eq(0)
    ensure
      [reader, writer].each(&:close)
    end
  end

  it "has no limit of time where nobody sets one" do
    require "kino"
    configuration = Kino::Configuration.new
    expect([configuration.request_timeout, configuration.stuck_timeout]).to eq([nil, nil])
  end
end
