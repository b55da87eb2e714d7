# frozen_string_literal: true

require "kino/errors"
require "kino/reload/handover"
require "stringio"

RSpec.describe Kino.const_get(:Reload)::Handover do
  let(:handover) { described_class.new }
  let(:env) do
    { "REQUEST_METHOD" => "POST", "REQUEST_URI" => "/a?b", "HTTP_HOST" => "x", "HTTP_CONNECTION" => "close",
      "HTTP_VERSION" => "HTTP/1.1", "CONTENT_TYPE" => "text/plain", "CONTENT_LENGTH" => "4",
      "REMOTE_ADDR" => "10.0.0.1", "HTTPS" => "on", "rack.url_scheme" => "https", "rack.input" => StringIO.new("body") }
  end

  after { handover.close }

  def path(number) = handover.uri(number)[%r{\Aunix://(.+)\?mode=0600\z}, 1]

  # Answers one request, and gives what has come.
  def answer(number, text)
    server = UNIXServer.new(path(number))
    Thread.new do
      socket = server.accept
      head = socket.gets("\r\n\r\n")
      body = socket.read(head[/content-length: (\d+)/, 1].to_i)
      socket.write(text)
      [head, body]
    ensure
      [socket, server].compact.each(&:close)
    end
  end

  it "sends a request on, and gives what is answered" do
    other = answer(2, "HTTP/1.1 201 Created\r\nx-a: 1\r\nX-A: 2\r\nx-b:\r\nconnection: close\r\n\r\nbody of it")
    status, headers, body = handover.call(env, 1, 20)
    expect([status, headers, body.to_enum.to_a]).to eq([201, { "x-a" => %w[1 2], "x-b" => "" }, ["body of it"]])
    body.close
    head, sent = other.value
    expect(head).to start_with("POST /a?b HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\nkino-handover: ")
    expect([sent, head.scan(/connection/)]).to eq(["body", []])
  end

  it "has the other end know the client, which nobody else can say" do
    other = answer(2, "HTTP/1.1 200 OK\r\n\r\n")
    handover.call(env, 1, 20)
    field = other.value.first[/^kino-handover: (.+)\r$/, 1]
    come = { "REMOTE_ADDR" => "127.0.0.1", "HTTP_HOST" => "localhost", "rack.url_scheme" => "http",
             "HTTP_KINO_HANDOVER" => field }
    expect(handover.restore(come)).to be(true)
    expect(come).to eq("REMOTE_ADDR" => "10.0.0.1", "HTTPS" => "on", "rack.url_scheme" => "https",
                       "HTTP_HOST" => "x", "HTTP_VERSION" => "HTTP/1.1")
    forged = { "REMOTE_ADDR" => "127.0.0.1", "HTTP_KINO_HANDOVER" => field[64..] }
    expect([handover.restore(forged), forged["REMOTE_ADDR"], handover.restore({})]).to eq([false, "127.0.0.1", false])
  end

  it "says a host where the client has said none, which the other end doesn't hand on" do
    other = answer(2, "HTTP/1.1 200 OK\r\n\r\n")
    handover.call(env.except("HTTP_HOST"), 1, 20)
    head = other.value.first
    come = { "HTTP_HOST" => "localhost", "HTTP_KINO_HANDOVER" => head[/^kino-handover: (.+)\r$/, 1] }
    handover.restore(come)
    expect([head[/^host: (.+)\r$/, 1], come.key?("HTTP_HOST")]).to eq(["localhost", false])
  end

  it "waits for a younger process, and takes the youngest; in vain for too long" do
    expect { handover.call(env, 1, 0) }.to raise_error(described_class::Vain, "nobody serves the new code by now")
    asked = Thread.new { handover.call(env, 1, 20).first }
    answer(3, "HTTP/1.1 203 x\r\n\r\n").join
    expect(asked.value).to eq(203)
    File.write(path(1), "") # older ones are none
    expect { handover.call(env, 3, 0) }.to raise_error(described_class::Vain)
  end

  it "raises where the other ends without an answer" do
    answer(2, "")
    expect { handover.call(env, 1, 20) }.to raise_error(IOError, /has ended in the middle/)
  end

  it "leaves nothing behind, in a folder of its own user's" do
    folder = File.dirname(path(1))
    expect(File.stat(folder).mode & 0o777).to eq(0o700)
    File.write(path(1), "")
    handover.forget(1)
    handover.forget(1)
    File.write(path(2), "")
    handover.close
    expect(Dir).not_to exist(folder)
    expect { handover.close }.not_to raise_error
  end
end
