# frozen_string_literal: true

require "socket"
require_relative "installed_gem"

RSpec.describe "the gem" do
  before(:context) { @gem = InstalledGem.new.build }
  after(:context) { @gem.remove }

  it "carries the sources of both crates and the locked versions, and nothing that was built" do
    expect(@gem.files).to include("Cargo.toml", "Cargo.lock", "ext/core/Cargo.toml", "ext/core/src/lib.rs",
                                  "ext/kino/Cargo.toml", "ext/kino/build.rs", "ext/kino/extconf.rb",
                                  "ext/kino/src/lib.rs",
                                  "exe/kino", "lib/kino.rb", "lib/rackup/handler/kino.rb",
                                  "README.md", "CHANGELOG.md", "LICENSE")
    # Repairs of Rails are an example's own, and nobody else's.
    expect(@gem.files.grep(/\Aexamples|repair|probe/)).to eq([])
    expect(@gem.files.grep(/\.(so|bundle|o|gem)\z|(\A|\/)(target|tmp)\//)).to eq([])
  end

  it "installs from a clean folder, serves a config.ru with its own extension, and exits 0 when asked to stop" do
    @gem.install
    File.write(File.join(@gem.folder, "config.ru"), <<~RUBY)
      run ->(env) { [200, {}, [$LOADED_FEATURES.grep(%r{(/lib|/kino-[\\d.]+)/kino[./]}).join("\\n")]] }
    RUBY

    answer, status = serve_one_request

    expect(answer).to start_with("HTTP/1.1 200 OK\r\n")
    loaded = answer.split("\r\n\r\n", 2).last.lines(chomp: true)
    expect(loaded.grep(/kino\.#{RbConfig::CONFIG["DLEXT"]}\z/).size).to eq(1)
    expect(loaded).to all(start_with(File.realpath(@gem.home)))
    expect(status).to be_success
  end

  # Starts the installed `kino`, asks once, stops it: the answer and the exit status.
  def serve_one_request
    server = IO.popen([@gem.environment, @gem.command("kino"), "-b", "tcp://127.0.0.1:0", "config.ru",
                       { chdir: @gem.folder, err: %i[child out] }])
    answer = get("/", port: listening_port(server))
    Process.kill(:TERM, server.pid)
    server.read
    server.close
    [answer, $?]
  ensure
    Process.kill(:KILL, server.pid) unless server.closed?
  end

  def listening_port(server)
    server.timeout = 60
    said = []
    until (port = said.last.to_s[%r{Listening on http://127\.0\.0\.1:(\d+)}, 1])
      said << (server.gets || raise("kino ended before it listened:\n#{said.join}"))
    end
    Integer(port)
  end

  def get(path, port:)
    TCPSocket.open("127.0.0.1", port) do |socket|
      socket.timeout = 60
      socket.write("GET #{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
      socket.read
    end
  end
end
