# frozen_string_literal: true

require "websocket/driver"
require_relative "eventually"
require_relative "http2_tunnel"
require_relative "raw_client"

# A WebSocket client as strict as a browser's: websocket-driver checks the handshake and every frame. What doesn't come
# within DEADLINE seconds is a failure that says what it was, never a hang. For one thread at a time.
class WebSocketClient
  # What was waited for did not come.
  class Silence < StandardError; end

  # The connection ended, or was closed, before it came; or the handshake was refused.
  class Ended < StandardError; end

  DEADLINE = Eventually::DEADLINE
  # The code that browsers tell of a connection that has ended without a word.
  ABNORMAL = 1006
  TEXT, CONTINUATION = 1, 0

  # Shakes hands with a server at an address as RawClient takes it, and aborts after the block, if there is one. Each of
  # `early` is sent as a message right behind the handshake's request, in one piece with it, where a browser would wait.
  # With `http2` all of that is a stream's.
  def self.open(url, path = "/", early: [], headers: {}, http2: false, **options)
    socket = http2 ? Http2Tunnel.open(url) : RawClient.connect(url)
    client = new(socket, "ws://localhost#{path}", **options)
    begin
      client.shake_hands(headers, early)
      block_given? ? yield(client) : client
    ensure
      client.abort if block_given? || !client.open?
    end
  end

  attr_reader :url, :socket

  # Takes websocket-driver's options, such as `protocols`.
  def initialize(socket, url, **options)
    @socket, @url = socket, url
    @socket.to_io.timeout = DEADLINE
    @early = +"".b
    @messages = []
    @ended = false
    @driver = WebSocket::Driver.client(self, options)
    @driver.on(:message) { |event| @messages << event.data }
    @driver.on(:close) { |event| @closed ||= [event.code, event.reason] }
    @driver.on(:error) { |event| @error = event.message }
  end

  def shake_hands(headers, early)
    headers.each { |name, value| @driver.set_header(name, value) }
    early.each { |text| @early << frame(text, TEXT) }
    @driver.start
    wait_for("the handshake's answer") { open? }
  end

  # The protocol that the server has chosen.
  def protocol = @driver.protocol

  def open? = @driver.state == :open

  def send_text(text)
    @driver.text(text) || raise(Ended, "it is #{@driver.state}")
    self
  end

  # One message in as many frames.
  def send_fragments(first, *others, last)
    frames = [frame(first, TEXT, false), *others.map { |part| frame(part, CONTINUATION, false) },
              frame(last, CONTINUATION)]
    frames.each { |bytes| write(bytes) }
    self
  end

  # The next message.
  def message = wait_for("a message") { @messages.shift }

  def echo(text) = send_text(text).message

  # Waits for the pong; messages that come meanwhile are kept.
  def ping(text = "ping")
    ponged = false
    @driver.ping(text) { ponged = true }
    wait_for("a pong") { ponged }
  end

  # Closes as a browser does: says so, waits to be told the same, and for the server to end the connection. The code and
  # the reason that came back.
  def close(code = 1000, reason = "")
    @driver.close(reason, code)
    closed
  end

  # Waits for the server to close, and to end the connection: its code and its reason.
  def closed
    wait_for("the connection's end") { @ended }
    @socket.close
    @closed || [ABNORMAL, ""]
  end

  # Leaves without a word.
  def abort = @socket.close

  # For the driver: sends bytes.
  def write(bytes)
    @socket.write(bytes, @early.slice!(0..))
  rescue IO::TimeoutError
    raise Silence, "the server took no more bytes for #{DEADLINE} s"
  end

  private

  def wait_for(what)
    deadline = now + DEADLINE
    until (value = yield)
      raise Ended, "instead of #{what}: #{@error || "the connection ended, close frame: #{@closed.inspect}"}" if
        @error || @ended

      receive([deadline - now, 0].max) || raise(Silence, "#{what} did not come within #{DEADLINE} s")
    end
    value
  end

  def receive(seconds)
    case part = @socket.read_nonblock(65_536, exception: false)
    when :wait_readable then return @socket.to_io.wait_readable(seconds) && true
    when nil then @ended = true
    else @driver.parse(part)
    end
    true
  rescue EOFError, Errno::ECONNRESET, OpenSSL::SSL::SSLError
    @ended = true
  end

  # A client's frames are masked.
  def frame(text, opcode, final = true)
    size = text.bytesize
    head = [(final ? 0x80 : 0) | opcode]
    head.push(*(if size < 126 then [0x80 | size]
                elsif size < 65_536 then [0x80 | 126, *[size].pack("n").bytes]
                else
                  [0x80 | 127, *[size].pack("Q>").bytes]
                end))
    mask = SecureRandom.random_bytes(4)
    head.pack("C*") << mask << WebSocket::Mask.mask(text.b, mask)
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
