# frozen_string_literal: true

require "socket"
require_relative "eventually"
require_relative "raw_response"
require_relative "tls"

# An HTTP/1.1 client that sends exactly the bytes it is given and believes nothing. A server that stays silent is a
# failure that shows what came so far, never a hang.
class RawClient
  # The server said nothing for DEADLINE seconds.
  class Silence < StandardError; end

  # The server closed the connection before a response was complete.
  class Truncated < StandardError; end

  DEADLINE = Eventually::DEADLINE

  # Connects to "http://127.0.0.1:80", "https://...", "http://[::1]:80" or "unix:///path"; closes after the
  # block, if there is one. Over TLS it asks for the protocol, if one is given.
  def self.open(url, protocol: nil)
    client = new(connect(url, protocol: protocol))
    return client unless block_given?

    begin
      yield client
    ensure
      client.close
    end
  end

  # Requests that one client has answered, each made by the block of the answer before: it goes elsewhere where an
  # answer ends its connection, as one of several processes asks for. The last answer.
  def self.visit(url, count)
    client = answer = nil
    count.times do |number|
      client ||= new(connect(url))
      answer = yield client, number, answer
      client = client.close if answer["connection"] == "close"
    end
    answer
  ensure
    client&.close
  end

  def self.connect(url, protocol: nil)
    case url
    when %r{\Ahttps://(.+)\z}
      TLS.connect(connect("http://#{$1}")) { |context| context.alpn_protocols = [protocol] if protocol }
    when %r{\Aunix://(.+)\z} then UNIXSocket.new($1)
    when %r{\Ahttp://\[(.+)\]:(\d+)\z}, %r{\Ahttp://([^:]+):(\d+)\z} then TCPSocket.new($1, Integer($2))
    else raise ArgumentError, "can't connect to #{url.inspect}"
    end
  end

  # The bytes of a request. A value that is an Array is sent as repeated fields, one that is nil not at all.
  def self.message(method, target, headers = {}, body = nil)
    fields = { "host" => "localhost" }
    fields["content-length"] = body.bytesize if body
    lines = fields.merge(headers).flat_map { |name, values| Array(values).map { |value| "#{name}: #{value}\r\n" } }
    "#{method} #{target} HTTP/1.1\r\n#{lines.join}\r\n".b << body.to_s.b
  end

  attr_reader :socket

  def initialize(socket)
    @socket = socket
    @socket.to_io.timeout = DEADLINE # for writing
    @buffer = +"".b
    @ended = false
  end

  # Sends a request and reads its answer.
  def request(method, target, headers = {}, body = nil)
    write(self.class.message(method, target, headers, body))
    read_response(to: method)
  end

  def get(target = "/", headers = {}) = request("GET", target, headers)

  def post(target, body, headers = {}) = request("POST", target, headers, body)

  def write(bytes)
    @socket.write(bytes)
    self
  rescue IO::TimeoutError
    raise Silence, "the server took no more bytes for #{DEADLINE} s"
  end

  # Reads one response to a request with the method `to`. An interim one (100, 103) counts as a response.
  def read_response(to: "GET")
    version, status, reason, fields = read_head
    framing = RawResponse.framing(status, fields, to: to)
    RawResponse.new(version, status, reason, fields, framing, read_body(framing))
  end

  # Reads the status line and fields only.
  def read_head
    status_line, *lines = read_through("\r\n\r\n").split("\r\n")
    version, status, reason = status_line.match(%r{\A(HTTP/1\.\d) (\d{3}) (.*)\z})&.captures
    raise "not a status line: #{status_line.inspect}" unless version

    [version, Integer(status), reason, lines.map { |line| field(line) }]
  end

  # Reads `count` bytes.
  def read(count)
    receive until @buffer.bytesize >= count
    @buffer.slice!(0, count)
  end

  def read_through(mark)
    receive until (at = @buffer.index(mark))
    @buffer.slice!(0, at + mark.bytesize)
  end

  # Reads what is left of a chunked body, from the start of a chunk.
  def read_chunks
    body = +"".b
    loop do
      size = Integer(read_through("\r\n").chomp, 16)
      body << read(size)
      ending = read(2)
      raise "a chunk ended with #{ending.inspect}" unless ending == "\r\n"
      return body if size.zero?
    end
  end

  # Whether something comes within that time, be it the end.
  def readable?(seconds)
    return true if @ended || !@buffer.empty?
    return false unless @socket.to_io.wait_readable(seconds)

    part = @socket.read_nonblock(65_536, exception: false)
    return false if part == :wait_readable # what was there is nothing to be read

    part ? @buffer << part : @ended = true
    true
  rescue Errno::ECONNRESET, OpenSSL::SSL::SSLError
    @ended = true
  end

  # Reads until the server closes the connection.
  def read_to_end
    receive_more until @ended
    @buffer.slice!(0..)
  end

  # Waits for the server to close the connection; false when it sent something first.
  def closed? = read_to_end.empty?

  def close_write
    # A client of TLS says so, and hears no answer after that where it is OpenSSL.
    raise RSpec::Core::Pending::SkipDeclaredInExample, "OpenSSL has no half that it can end" if tls?

    @socket.close_write
  end

  def close = @socket.close

  # Closes so that the server sees a reset, as when a client is killed.
  def abort
    @socket.to_io.setsockopt(Socket::SOL_SOCKET, Socket::SO_LINGER, [1, 0].pack("ii"))
    @socket.to_io.close
  end

  private

  def read_body(framing)
    case framing
    in :none then "".b
    in Integer then read(framing)
    in :chunked then read_chunks
    in :until_close then read_to_end
    end
  end

  def field(line)
    name, value = line.match(/\A([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?(.*)\z/n)&.captures
    raise "not a field: #{line.inspect}" unless name

    [name.downcase, value]
  end

  def receive
    raise Truncated, "the server closed the connection after #{@buffer.inspect[0, 2_000]}" if @ended

    receive_more
  end

  def receive_more
    part = read_some
    raise Silence, "the server was silent for #{DEADLINE} s after #{@buffer.inspect[0, 2_000]}" unless part

    @buffer << part
  rescue EOFError, Errno::ECONNRESET
    @ended = true
  rescue OpenSSL::SSL::SSLError => error
    # One that ends without a word is no other than a plain one that ends.
    raise unless error.message.include?("unexpected eof")

    @ended = true
  end

  # `nil` when nothing has come for too long.
  def read_some
    loop do
      case part = @socket.read_nonblock(65_536, exception: false)
      when :wait_readable then @socket.to_io.wait_readable(DEADLINE) or return
      when :wait_writable then @socket.to_io.wait_writable(DEADLINE) or return
      when nil then raise EOFError
      else return part
      end
    end
  end

  def tls? = @socket.is_a?(OpenSSL::SSL::SSLSocket)
end
