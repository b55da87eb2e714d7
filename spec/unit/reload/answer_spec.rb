# frozen_string_literal: true

require "kino/errors"
require "kino/reload/answer"
require "socket"

RSpec.describe Kino.const_get(:Reload)::Answer do
  # What comes of an answer whose connection ends, or goes on and says no more.
  def receive(text, method: "GET", ends: true)
    ours, theirs = UNIXSocket.pair
    theirs.write(text)
    theirs.close if ends
    status, headers, body = described_class.receive(ours, method)
    [status, headers, body.to_enum.to_a.join]
  ensure
    [ours, theirs].each(&:close)
  end

  def head(fields) = "HTTP/1.1 200 OK\r\n#{fields}\r\n\r\n"

  it "ends where it says, though its connection goes on" do
    chunks = "#{head("transfer-encoding: chunked")}3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n"
    expect(receive(chunks, ends: false)).to eq([200, {}, "abc0123456789"])
    expect(receive("#{head("content-length: 2")}ab", ends: false)).to eq([200, { "content-length" => "2" }, "ab"])
    expect(receive("#{head("x: y")}abc")).to eq([200, { "x" => "y" }, "abc"])
  end

  it "has no body for HEAD, nor by its status" do
    expect(receive(head("content-length: 2"), method: "HEAD", ends: false).last).to eq("")
    expect(receive(head("transfer-encoding: chunked"), method: "HEAD", ends: false).last).to eq("")
    expect(receive("HTTP/1.1 204 x\r\n\r\n", ends: false)).to eq([204, {}, ""])
    expect(receive("HTTP/1.1 304 x\r\ncontent-length: 9\r\n\r\n", ends: false).last).to eq("")
  end

  it "is what comes behind early hints, and leave to go on" do
    hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    expect(receive("#{hints}#{head("content-length: 1")}a", ends: false)).to eq([200, { "content-length" => "1" }, "a"])
  end

  it "raises where it breaks off, wherever that is" do
    chunks = "3\r\nabc\r\n0\r\n\r\n"
    (0...chunks.size).each do |size|
      expect { receive("#{head("transfer-encoding: chunked")}#{chunks[0, size]}") }
        .to raise_error(IOError, /has broken its answer off/)
    end
    expect { receive("#{head("content-length: 4")}abc") }.to raise_error(IOError, /has broken its answer off/)
    expect { receive("") }.to raise_error(IOError, /has ended in the middle/)
  end
end
