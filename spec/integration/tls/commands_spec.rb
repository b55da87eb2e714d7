# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "kino at an address where TLS is spoken" do
  include KinoProcess::Helpers

  # One that ractors can share.
  before { write("config.ru", <<~RUBY) }
    module Scheme
      def self.call(env) = [200, {}, [env["rack.url_scheme"]]]
    end
    run Scheme
  RUBY

  def connect(process, **options, &)
    TLS.connect(TCPSocket.new("127.0.0.1", process.url[/\d+\z/].to_i), **options, &)
  end

  # Whether each of some sessions could go on with the one before, and the last.
  def resumed(process, times, session = nil)
    session ||= connect(process) { |context| context.max_version = OpenSSL::SSL::TLS1_2_VERSION }.then do |tls|
      tls.session.tap { tls.close }
    end
    reused = Array.new(times) do
      tls = TLS.resume(TCPSocket.new("127.0.0.1", process.url[/\d+\z/].to_i), session)
      session = tls.session
      tls.session_reused?.tap { tls.close }
    end
    [session, reused]
  end

  each_mode do
    it "has a certificate for this machine, made once, with --dev-tls" do
      process = kino("--dev-tls", "-p", "0", *in_mode(mode), env: { "XDG_STATE_HOME" => folder })
      expect(process.url).to start_with("https://127.0.0.1:")
      tls = connect(process) do |context|
        context.verify_mode = OpenSSL::SSL::VERIFY_PEER
        context.ca_file = File.join(folder, "kino/localhost.pem")
      end
      tls.post_connection_check("localhost")
      expect(RawClient.new(tls).get.body).to eq("https")
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "is believed by curl, and speaks HTTP/2 to it at once, with --dev-tls" do
    skip "there is no curl" unless system("curl --version", out: File::NULL, err: File::NULL)
    process = kino("--dev-tls", "-b", "tcp://localhost:0", env: { "XDG_STATE_HOME" => folder })
    process.wait_for(/^Ctrl-C/)
    process.out.scan(%r{https://(\S+):(\d+)$}).flat_map { |host, port| [[host, port], ["localhost", port]] }
           .each do |host, port|
      told = IO.popen(["curl", "-sS", "--cacert", "#{folder}/kino/localhost.pem", "-w", " %{http_version}",
                       "https://#{host}:#{port}/", { err: %i[child out] }], &:read)
      expect([host, told]).to eq([host, "https 2"])
    end
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is believed by Chromium that is told of it, and speaks HTTP/2 to it, with --dev-tls" do
    there = ->(name) { ENV["PATH"].split(":").any? { |at| File.executable?(File.join(at, name)) } }
    skip "it takes chromium and libnss3-tools" unless %w[certutil chromium].all?(&there)
    write("config.ru", 'run ->(env) { [200, { "content-type" => "text/html" }, [env["SERVER_PROTOCOL"]]] }')
    process = kino("--dev-tls", "-b", "tcp://localhost:0", env: { "XDG_STATE_HOME" => folder })
    process.wait_for(/^Ctrl-C/)
    FileUtils.mkdir_p("#{folder}/.pki/nssdb")
    database = ["-d", "sql:#{folder}/.pki/nssdb"]
    system("certutil", *database, "-N", "--empty-password")
    system("certutil", *database, "-A", "-t", "P,,", "-n", "kino", "-i", "#{folder}/kino/localhost.pem")
    page = IO.popen([{ "HOME" => folder }, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--user-data-dir=#{folder}/browser", "--dump-dom",
                     "https://localhost:#{process.url[/\d+\z/]}/", { err: File::NULL }], &:read)
    expect(page).to include("HTTP/2")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "warns of a certificate that signs itself in production, with --dev-tls" do
    started = %w[development production].map do |environment|
      process = kino("--dev-tls", "-p", "0", "-e", environment, env: { "XDG_STATE_HOME" => folder })
      process.wait_for(/^Ctrl-C/)
      process.signal(:TERM)
    end
    warned = started.map { |process| process.err.include?("warning: --dev-tls serves a certificate") }
    expect(warned).to eq([false, true])
  end

  it "is plain with --dev-tls where it says so, and another address is for TLS" do
    both = %w[-b tcp://127.0.0.1:0 -b ssl://127.0.0.1:0]
    process = kino("--dev-tls", *both, env: { "XDG_STATE_HOME" => folder })
    process.wait_for(/^Ctrl-C/)
    schemes = process.out.scan(%r{(https?)://127.0.0.1:\d+}).flatten
    expect(schemes).to eq(%w[http https])
    expect(process.get.body).to eq("http")
    expect(process.signal(:TERM).status).to eq(0)
  end

  { "alone" => [], "of several processes" => %w[--processes 2] }.each do |what, flags|
    it "ends before it serves, #{what}, when a certificate can't be used, and says what to do" do
      made = TLS.made.write(folder)
      process = kino("-b", "ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:cert]}", *flags)
      expect(process.status).to eq(1)
      expect(process.err).to eq("kino: key #{made[:cert].inspect} has no private key in it; it has to have one in " \
                                "PEM (BEGIN PRIVATE KEY)\n")
    end
  end

  it "reads its certificates again at HUP" do
    made = TLS.made.write(folder)
    process = kino("-b", "ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:key]}", pgroup: true)
    process.wait_for(/^Ctrl-C/)
    process.signal(:HUP).wait_for(/^Reading the certificates again$/)
    eventually("they are read") { process.err.include?("was read again: localhost") }
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "goes on with sessions after restarts of either kind" do
    made = TLS.made.write(folder)
    write("kino.rb", "bind \"ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:key]}\"\nprocesses 2\n")
    process = kino
    process.wait_for(/^Ctrl-C/)
    session, before = resumed(process, 4)
    process.signal(:USR1).wait_for(/^Restarted: 2 processes$/)
    expect([*before, *resumed(process, 4, session).last]).to all(be(true))
    expect(process.signal(:TERM).status).to eq(0)
  end
end
