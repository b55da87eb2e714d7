# frozen_string_literal: true

require "digest/sha1"
require_relative "http2_client"

# What a proxy does between a WebSocket client of HTTP/1.1 and a server of HTTP/2 (RFC 8441): the client has a socket at
# whose other end its request becomes an extended CONNECT, and what follows the DATA of that stream, within its windows.
class Http2Tunnel
  GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  # Of the protocol, before anybody has said anything.
  WINDOW = 65_535
  INITIAL_WINDOW_SIZE = 4
  STREAM = 1
  # What is of a connection of HTTP/1.1, or is said otherwise.
  LEFT_OUT = %w[host upgrade connection sec-websocket-key].freeze
  private_constant :LEFT_OUT

  # The client's socket, on a connection of its own.
  def self.open(url)
    near, far = UNIXSocket.pair
    new(Http2Client.new(RawClient.open(url, protocol: "h2")), far).start
    near
  end

  def initialize(client, socket)
    @client, @socket = client, socket
    @lock = Mutex.new
    @opened = ConditionVariable.new
    @windows = { 0 => WINDOW, STREAM => WINDOW }
  end

  def start
    Thread.new { guarded { connect } }
  end

  private

  # Whoever is left by one side leaves the other.
  def guarded
    yield
  rescue IOError, SystemCallError, OpenSSL::SSL::SSLError, RawClient::Truncated, RawClient::Silence
    nil
  ensure
    @socket.close
    @client.close
  end

  def connect
    line, *fields = @socket.gets("\r\n\r\n").split("\r\n")
    fields = fields.map { |field| field.split(": ", 2) }.map { |name, value| [name.downcase, value] }
    key = fields.assoc("sec-websocket-key").last
    @lock.synchronize do
      @client.connect(STREAM, fields.assoc("upgrade").last, line.split[1],
                      fields.reject { |name, _| LEFT_OUT.include?(name) })
    end
    sending = Thread.new { send_all }
    sending.report_on_exception = false
    hear(key)
    @socket.close_write
    # Who has heard all may still have something to say.
    sending.join(RawClient::DEADLINE)
  ensure
    sending&.kill&.join
  end

  # What the client says. It says more only once it has been answered, or at once, if it is in a hurry.
  def send_all
    while (bytes = @socket.readpartial(16_384))
      until bytes.empty?
        part = bytes.byteslice(0, take_room(bytes.bytesize))
        bytes = bytes.byteslice(part.bytesize..)
        @lock.synchronize { @client.data(STREAM, part, ends: false) }
      end
    end
  rescue EOFError
    @lock.synchronize { @client.data(STREAM, "") }
  end

  def take_room(most)
    @lock.synchronize do
      @opened.wait(@lock, 1) until @windows.values.min.positive?
      [most, *@windows.values].min.tap { |taken| @windows.transform_values! { |left| left - taken } }
    end
  end

  def hear(key)
    loop do
      frame = @client.read_any
      case frame.kind
      when :settings then settings(frame.payload) if frame.flags.zero?
      when :window_update then open_window(frame.stream, frame.payload.unpack1("N"))
      when :headers then answer(frame.payload, key)
      when :data then give(frame.payload)
      when :rst_stream then raise IOError, "the stream is reset"
      end
      return if %i[headers data].include?(frame.kind) && frame.ends?
    end
  end

  def settings(payload)
    value = payload.scan(/.{6}/mn).map { |one| one.unpack("nN") }.to_h[INITIAL_WINDOW_SIZE]
    open_window(STREAM, value - WINDOW) if value
  end

  def open_window(stream, more)
    @lock.synchronize { @windows[stream] += more if @windows.key?(stream) }
    @opened.signal
  end

  def answer(fields, key)
    status, *others = fields
    granted = status.last == "200"
    lines = others.map { |name, value| "#{name}: #{value}\r\n" }
    if granted
      accept = Digest::SHA1.base64digest(key + GUID)
      lines.push("upgrade: websocket\r\n", "connection: Upgrade\r\n", "sec-websocket-accept: #{accept}\r\n")
    end
    @socket.write("HTTP/1.1 #{granted ? 101 : status.last} By HTTP/2\r\n#{lines.join}\r\n")
  end

  def give(bytes)
    return if bytes.empty?

    @socket.write(bytes)
    @lock.synchronize do
      [0, STREAM].each { |stream| @client.frame(:window_update, 0, stream, [bytes.bytesize].pack("N")) }
    end
  end
end
