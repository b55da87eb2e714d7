# frozen_string_literal: true

require "kino/version"
require "support/kino_process"

RSpec.describe "starting kino" do
  include KinoProcess::Helpers

  let(:hello) { 'run ->(env) { [200, {}, ["hello from #{ENV["RACK_ENV"]}"]] }' }

  # What a start that fails must be: one message, exit status 1, and nothing that listens.
  def expect_failure(process, message)
    expect(process.status).to eq(1)
    expect(process.out).to eq("")
    expect(process.err).to match(message)
    expect(process.err).not_to match(%r{lib/kino|\tfrom })
  end

  each_mode do
    # One that ractors can share.
    let(:hello) do
      <<~RUBY
        module Hello
          ENVIRONMENT = ENV["RACK_ENV"].freeze
          def self.call(_) = [200, {}, ["hello from \#{ENVIRONMENT}"]]
        end
        run Hello
      RUBY
    end

    it "serves the config.ru of its folder, and says so" do
      write("config.ru", hello)
      kind = mode == :processes ? "2 processes x threaded" : mode
      process = kino("-p", "0", "-w", "1", "-t", "3", *in_mode(mode))
      process.wait_for(/^Ctrl-C/)

      expect(process.get.body).to eq("hello from development")
      expect(process.url).to match(%r{\Ahttp://127\.0\.0\.1:\d+\z})
      expect(process.out).to eq(<<~TEXT)
        Kino #{Kino::VERSION} (ruby #{RUBY_VERSION}, #{kind}: 1 worker x 3 threads, development), pid #{process.pid}
        Listening on #{process.url}
        Ctrl-C drains and stops
      TEXT
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.err.lines.grep_v(/warning: Ractor .* experimental/)).to eq([])
    end

    it "serves the file that is named, on every address that is given, under the environment that is given" do
      write("other.ru", hello)
      process = kino("-b", "127.0.0.1:0", "-b", "unix://kino.sock", "-e", "staging", *in_mode(mode), "other.ru")

      expect(process.get.body).to eq("hello from staging")
      expect(process.wait_for(/^Listening on (unix:.+)$/)[1]).to eq("unix://#{folder}/kino.sock")
      RawClient.open("unix://#{folder}/kino.sock") { |client| expect(client.get.body).to eq("hello from staging") }
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "says nothing when it is to be quiet" do
    write("config.ru", hello)
    port = free_port
    process = kino("-p", port.to_s, "--quiet")
    eventually("a quiet server answers") { !refused?("http://127.0.0.1:#{port}") }

    RawClient.open("http://127.0.0.1:#{port}") { |client| expect(client.get.status).to eq(200) }
    expect(process.signal(:INT).status).to eq(0)
    expect([process.out, process.err]).to eq(["", ""])
  end

  it "fails with the app's own error and its place when config.ru raises" do
    write("config.ru", "\nraise ArgumentError, \"no database\"\n")

    expect_failure(kino("-p", "0"),
                   /\Akino: config\.ru could not be loaded: ArgumentError: no database\n  config\.ru:2:in /)
  end

  it "fails where there is no config.ru, and says what to do" do
    expect_failure(kino("-p", "0"),
                   /\Akino: config\.ru: no such file in #{Regexp.escape(folder)}; start kino in .*\n\z/)
  end

  it "fails on a kino.rb that can't be used, naming the line" do
    write("config.ru", hello)
    write("kino.rb", "workers 2\ntreads 5\n")

    expect_failure(kino("-p", "0"), /\Akino: kino\.rb:2: treads: there is no such setting; did you mean threads\?\n\z/)
  end

  it "fails on a port that is in use, and leaves no other address behind" do
    write("config.ru", hello)
    TCPServer.open("127.0.0.1", 0) do |other|
      port = other.addr[1]
      process = kino("-b", "unix://#{folder}/kino.sock", "-b", "tcp://127.0.0.1:#{port}")

      expect_failure(process, %r{\Akino: can't listen on tcp://127\.0\.0\.1:#{port}: another process is [^\n]*\n\z})
      expect(File.exist?("#{folder}/kino.sock")).to be(false)
    end
  end

  it "fails on a host that doesn't exist here" do
    write("config.ru", hello)

    expect_failure(kino("-b", "tcp://203.0.113.1:0"), /\Akino: [^\n]*203\.0\.113\.1[^\n]*\n\z/)
  end

  it "listens on a host's name" do
    write("config.ru", hello)
    process = kino("-b", "tcp://localhost:0")

    expect(process.url).to match(%r{\Ahttp://(127\.0\.0\.1|\[::1\]):\d+\z})
    expect(process.get.status).to eq(200)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "ends like any command when it is interrupted while the app is loaded" do
    write("config.ru", "$stdout.puts 'loading'\n$stdout.flush\nsleep")
    { INT: 130, TERM: 143 }.each do |signal, status|
      process = kino("-p", "0")
      process.wait_for(/loading/)

      expect(process.signal(signal).status).to eq(status)
      expect(process.err).to eq("")
    end
  end

  it "writes a kino.rb it can start with" do
    write("config.ru", hello)

    expect(kino("--init").status).to eq(0)
    process = kino("-p", "0")
    expect(process.get.status).to eq(200)
  end
end
