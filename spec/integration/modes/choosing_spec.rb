# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "Choosing a mode" do
  include KinoProcess::Helpers

  let(:shareable_app) { "module Hello\n  def self.call(_) = [200, {}, ['hello']]\nend\nrun Hello\n" }
  let(:unshareable_app) { "counts = Hash.new(0)\nrun ->(env) { [200, {}, [(counts[env] += 1).to_s]] }\n" }

  it "as :ractor is refused for an app that ractors can't share: one message that says why, and exit status 1" do
    write("config.ru", unshareable_app)
    process = kino("-p", "0", "-m", "ractor")

    expect(process.status).to eq(1)
    expect(process.out).to eq("")
    expect(process.err.lines.first)
      .to match(/\Akino: the app can't be shared between ractors, so mode :ractor can't run it \(kino --check/)
    expect(process.err).to match(/^  app.*\bcounts\b.*config\.ru:2/)
    expect(process.err).not_to match(/\tfrom |^  and 0 more/)
  end

  it "as :ractor raises the same inside a program, with all findings, and leaves nothing running" do
    require "kino"
    cache = {}
    server = Kino::Server.new(->(_) { [200, {}, [cache]] }, mode: :ractor, port: 0)

    expect { server.start }.to raise_error(Kino::UnshareableAppError, /can't be shared/) { |error|
      expect(error.findings).not_to be_empty
      expect(error.findings.map(&:to_s)).to include(/cache/)
    }
    expect([server.running?, server.mode, server.urls]).to eq([false, nil, []])
  end

  it "is left to who runs it: threads, whatever the app can do, where nobody says otherwise" do
    write("config.ru", shareable_app)
    process = kino("-p", "0")
    process.wait_for(/^Ctrl-C/)

    expect(process.out.lines.first).to include("threaded: 1 worker x 5 threads")
    expect(process.out.include?("This app can be shared between ractors")).to be(RUBY_VERSION >= "4.0")
    expect(process.get.body).to eq("hello")
  end

  it "as :auto takes ractors where they are worth it and the app can be shared, and says so" do
    write("config.ru", shareable_app)
    process = kino("-p", "0", "-w", "2", "-m", "auto", env: { "RUBY_YJIT_ENABLE" => "0" })
    process.wait_for(/^Ctrl-C/)

    mode, threads = RUBY_VERSION < "4.0" ? ["threaded", "5 threads"] : ["ractor", "1 thread"]
    reason = RUBY_VERSION < "4.0" ? "ractors of Ruby #{RUBY_VERSION} get in each other's way" : "the app can be shared"
    expect(process.out.lines.first).to include("#{mode}: 2 workers x #{threads}")
    expect(process.out.lines[1]).to start_with("Mode auto: #{mode}, since #{reason}")
    expect(process.get.body).to eq("hello")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "as :auto takes threads for an app that can't be shared, and says that" do
    write("config.ru", unshareable_app)
    process = kino("-p", "0", "-m", "auto", env: { "RUBY_YJIT_ENABLE" => "0" })

    expect(process.wait_for(/^Mode auto: threaded, since (.+)$/)[1])
      .to match(RUBY_VERSION < "4.0" ? /\Aractors of Ruby/ : /\Athe app can't be shared .*kino --check/)
    expect(process.get.body).to eq("1")
  end

  it "by name says no more than the mode" do
    write("config.ru", shareable_app)
    process = kino("-p", "0", "-m", "threaded")
    process.wait_for(/^Ctrl-C/)

    expect(process.out).not_to include("Mode auto")
  end
end
