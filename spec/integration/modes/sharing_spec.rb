# frozen_string_literal: true

require "support/kino_process"

# As Rails does from the version after 8.1 on; these stand in for it.
RSpec.describe "An app that shares itself" do
  include KinoProcess::Helpers

  # Until it is shared, it has a lock, as Rails has many.
  let(:app) { <<~'RUBY' }
    require "kino/ractor_logger"

    class Stand
      def initialize
        @lock = Mutex.new
        @log = Kino::RactorLogger.new("app.log", level: :info)
      end

      def call(env)
        @log.info("asked for #{env["PATH_INFO"]} in #{Ractor.current.name.inspect}")
        [200, {}, ["shared: #{frozen?}, #{Clients.mine}"]]
      end

      def ractorize!
        @lock = nil
        Ractor.make_shareable(self)
      end
    end

    module Rails
      def self.application = @application ||= Stand.new
    end

    Outer = Struct.new(:app) do
      def call(env) = app.call(env)
    end

    module Clients
      def self.mine = Ractor.current[:client]
    end
  RUBY
  let(:rackup) { "require_relative 'stand'\nuse(Outer)\nrun Rails.application\n" }
  let(:settings) { "on_worker_boot { |worker| Ractor.current[:client] = \"client \#{worker}\" }\n" }

  before do
    write("stand.rb", app)
    write("config.ru", rackup)
    write("kino.rb", settings)
  end

  it "is served by ractors, with what stands around it, its log and what each worker has of its own" do
    process = kino("-p", "0", "-m", "ractor", "-w", "1")
    answer = process.get("/one")

    expect([answer.status, answer.body]).to eq([200, "shared: true, client 0"])
    expect(File.read(File.join(folder, "app.log"))).to match(/INFO -- : asked for \/one in "kino 1"\n\z/)
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out.lines.first).to include("ractor: 1 worker x")
  end

  it "is served by ractors of several processes, too, forked once it is shared" do
    process = kino("-p", "0", "-m", "ractor", "-w", "1", "--processes", "2")

    expect(process.get("/two").body).to eq("shared: true, client 0")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is left as it is by threads, which :auto takes, and says why" do
    process = kino("-p", "0", "-m", "auto")

    expect(process.wait_for(/^Mode auto: threaded, since (.+)$/)[1]).to match(/\(ractorize!\).* in mode :ractor alone/)
    expect(process.get.body).to eq("shared: false, client 0")
  end

  it "that can't is refused: one message that says what it raised, and exit status 1" do
    write("stand.rb", app.sub("@lock = nil", "raise 'no cache of this kind'"))
    process = kino("-p", "0", "-m", "ractor")

    expect(process.status).to eq(1)
    expect(process.err.lines.first)
      .to match(/\Akino: the app can't be shared .*: its ractorize! raised RuntimeError: no cache of this kind/)
    expect(process.err).to include("stand.rb:15", "mode :threaded runs every app")
    expect(process.out).to eq("")
  end

  it "names YJIT where that stops all ractors, which the app may have turned on while it booted" do
    skip "this Ruby has no YJIT" unless RbConfig::CONFIG["YJIT_SUPPORT"] == "yes"
    skip "this Ruby hasn't the bug" if RUBY_VERSION >= "4.1"
    write("config.ru", "RubyVM::YJIT.enable\n#{rackup}")
    process = kino("-p", "0", "-m", "ractor", "-w", "2")
    process.get

    expect(process.err).to match(/^kino: warning: with YJIT on Ruby .*#22224.*RUBY_YJIT_ENABLE=0/)
  end
end
