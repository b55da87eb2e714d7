# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "rackup -s kino" do
  include KinoProcesses

  before { write("config.ru", 'run ->(env) { [200, {}, ["hello from #{ENV["RACK_ENV"]}"]] }') }

  def rackup(*arguments, **options) = gem_command("rackup", "-s", "kino", *arguments, **options)

  it "serves the app with the settings that are given" do
    process = rackup("-p", "0", "-o", "127.0.0.1", "-E", "production", "-O", "workers=2", "-O", "threads=3")

    expect(process.get.body).to eq("hello from production")
    expect(process.out).to include("threaded: 2 workers x 3 threads, production)")
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out).to end_with("Stopped\n")
  end

  each_mode do
    it "serves in the mode that is given" do
      write("config.ru", "App = Class.new { def self.call(_) = [200, {}, ['hello']] }\nrun App\n")
      option = mode == :processes ? "processes=2" : "mode=#{mode}"
      process = rackup("-p", "0", "-o", "127.0.0.1", "-E", "production", "-O", option)

      expect(process.get.body).to eq("hello")
      expect(process.out).to match(/\((.*, )?#{option[/mode=(.+)/, 1] || "2 processes x threaded"}: \d+ workers? x \d/)
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.out).to end_with("Stopped\n")
    end
  end

  it "follows kino.rb where nothing is given" do
    write("kino.rb", "port 0\nthreads 4\n")
    process = rackup

    expect(process.get.status).to eq(200)
    expect(process.out).to include(" x 4 threads, development)")
    expect(process.signal(:INT).status).to eq(0)
    expect(process.out).to end_with("Stopped\n")
  end

  # Its pid file, and the background, are rackup's own, which knows nothing of restarts.
  [["in front", []], ["in the background", %w[-D]]].each do |where, flags|
    it "keeps the number of whoever serves in its pid file (#{where})" do
      write("config.ru", "run ->(_) { [200, {}, [Process.pid.to_s]] }")
      write("kino.rb", "restart_file 'restart.txt'\n")
      url = "http://127.0.0.1:#{port = free_port}"
      rackup("-p", port.to_s, "-o", "127.0.0.1", "-E", "production", "-P", "my.pid", *flags)
      number = -> { File.exist?("#{folder}/my.pid") && File.read("#{folder}/my.pid").to_i }
      eventually("it serves") { !refused?(url) }
      pids = [number.call]
      2.times do |round|
        write("restart.txt", "once more" * round)
        eventually("the file has another number") { number.call != pids.last && number.call&.positive? }
        pids << number.call
        eventually("that one answers") { RawClient.open(url) { |client| client.get.body } == pids.last.to_s }
      end

      expect(pids.uniq.size).to eq(3)
      Process.kill(:TERM, pids.last)
      eventually("it has ended") { number.call == false && refused?(url) }
    ensure
      pids&.each { |pid| alive?(pid) && Process.kill(:KILL, pid) }
    end
  end

  it "ends where what the app wants done at exit takes for ever" do
    write("config.ru", "at_exit { sleep }\nrun ->(_) { [200, {}, ['hello']] }\n")
    write("kino.rb", "shutdown_timeout 0.3\n")
    process = rackup("-p", "0", "-o", "127.0.0.1")

    expect(process.get.body).to eq("hello")
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out).to end_with("Stopped\n")
  end

  it "lists the settings" do
    process = rackup("-h")

    expect(process.status).to eq(0)
    expect(process.out).to match(/^  -O threads=N +threads in each worker, or MIN:MAX \(default 5; .*\)$/)
    expect(process.out).to match(/^  -O bind=URI/)
  end

  it "ends with one message where it can't start" do
    TCPServer.open("127.0.0.1", 0) do |other|
      process = rackup("-o", "127.0.0.1", "-p", other.addr[1].to_s)

      expect(process.status).to eq(1)
      expect(process.err).to match(/127\.0\.0\.1:#{other.addr[1]}: another process .*\(Kino::BindError\)$/)
      expect(process.err).not_to match(%r{\tfrom |lib/kino/})
    end
  end

  it "refuses an option that isn't allowed" do
    process = rackup("-p", "0", "-O", "treads=3")

    expect(process.status).to eq(1)
    expect(process.err)
      .to match(/-O treads: there is no such setting; did you mean threads\? \(Kino::ConfigurationError\)$/)
  end
end

RSpec.describe "Rackup::Handler::Kino" do
  include KinoProcess::Helpers

  it "serves where rackup is not installed" do
    # Without RubyGems nothing but Kino and Ruby's own libraries can be found.
    process = start("--disable-gems", "-e", <<~RUBY, env: { "RUBYOPT" => nil })
      require "rackup/handler/kino"
      Rackup::Handler::Kino.run(->(_) { [200, {}, ["hello"]] }, Port: 0, Host: "127.0.0.1")
    RUBY

    expect(process.get.body).to eq("hello")
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to eq("")
  end

  it "is registered with rackup, whichever is required first" do
    ["rackup", "rackup/handler/kino"].permutation.each do |libraries|
      process = start("-e", "#{libraries.map { |library| "require '#{library}'\n" }.join}p Rackup::Handler.get('kino')")

      expect([process.status, process.out]).to eq([0, "Rackup::Handler::Kino\n"])
    end
  end

  it "leaves signals alone beside the main thread, and returns when its server is stopped" do
    require "rackup/handler/kino"
    before = Signal.trap("TERM", "DEFAULT")
    response = nil
    thread = Thread.new do
      Rackup::Handler::Kino.run(->(_) { [200, {}, ["hello"]] }, Port: 0, Host: "127.0.0.1", Silent: true) do |server|
        response = RawClient.open(server.url, &:get)
        expect(Signal.trap("TERM", "DEFAULT")).to eq("DEFAULT")
        expect(server).to be_a(Kino::Server)
        expect(server.stop).to be(false) # which is to come, once this block is left
      end
    end

    expect(thread.value).to be_nil
    expect(response.body).to eq("hello")
  ensure
    Signal.trap("TERM", before || "DEFAULT")
  end
end
