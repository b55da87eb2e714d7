# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "a unix socket's file" do
  include KinoProcess::Helpers

  let(:path) { "#{folder}/kino.sock" }

  before { write("config.ru", 'run ->(_) { [200, {}, ["hello"]] }') }

  def start_kino = kino("-b", "unix://#{path}")

  # What is in the way is named, and left as it is.
  def expect_refusal(process)
    expect(process.status).to eq(1)
    expect(process.out).to eq("")
    expect(process.err).to match(/\Akino: [^\n]*#{Regexp.escape(path)}[^\n]*\n\z/)
  end

  it "is made, serves, and is removed at exit" do
    process = start_kino

    expect(process.get.body).to eq("hello")
    expect(File.socket?(path)).to be(true)
    expect(process.signal(:TERM).status).to eq(0)
    expect(File.exist?(path)).to be(false)
  end

  it "is reclaimed when its server has died" do
    dead = start_kino
    dead.url
    dead.kill
    expect(File.socket?(path)).to be(true)
    process = start_kino

    expect(process.get.body).to eq("hello")
  end

  it "is refused while its server lives, which goes on serving" do
    alive = start_kino
    alive.url

    expect_refusal(start_kino)
    expect(alive.get.body).to eq("hello")
    expect(alive.signal(:TERM).status).to eq(0)
  end

  it "is refused where there is a folder" do
    Dir.mkdir(path)

    expect_refusal(start_kino)
    expect(File.directory?(path)).to be(true)
  end

  it "is refused where there is another file" do
    File.write(path, "precious")

    expect_refusal(start_kino)
    expect(File.read(path)).to eq("precious")
  end

  it "is refused where its folder is missing" do
    process = kino("-b", "unix://#{folder}/no/kino.sock")

    expect(process.status).to eq(1)
    expect(process.err).to match(%r{\Akino: [^\n]*/no/kino\.sock[^\n]*\n\z})
  end

  it "is another server's once that has taken it over" do
    old = start_kino
    old.url
    File.delete(path)
    new = start_kino
    new.url

    expect(old.signal(:TERM).status).to eq(0)
    expect(new.get.body).to eq("hello")
  end
end
