# frozen_string_literal: true

require "websocket/driver"

# An app that sends back what WebSockets say, each read on a thread of its own, in whichever of the ways that a Rack app
# gets at a connection; any other request gets an ordinary answer. For threaded mode, the only one that websocket-driver
# can run in.
class WebSocketEcho
  # One connection: the driver, and what it asks of a socket.
  class Talk
    attr_reader :env

    # `greet` is for who has to send the head of the 101, too.
    def initialize(env, stream, greet: false)
      @env, @stream, @muted = env, stream, !greet
      @driver = WebSocket::Driver.rack(self)
      @driver.on(:message) { |event| answer(event.data) }
      @driver.on(:close) { @over = true }
    end

    def start
      @driver.start
      @muted = false
      Thread.new { run }
    end

    def write(bytes) = @muted || @stream.write(bytes)

    private

    def answer(text)
      case text
      when "ping me" then @driver.ping("from the app") { @driver.text("ponged") }
      when "close me" then @driver.close("as you like", 3001)
      else @driver.text(text)
      end
    end

    def run
      until @over
        bytes = read or break
        @driver.parse(bytes)
      end
    rescue EOFError, SystemCallError
      nil # the client has left without a word
    ensure
      @stream.close
    end

    # A socket gives what there is. Of a stream Rack asks no more than a `read` that waits for as much as it is told.
    def read = @stream.respond_to?(:readpartial) ? @stream.readpartial(65_536) : read_frame

    def read_frame
      head = @stream.read(2) or return
      length = head.getbyte(1) & 0x7f
      width, format = { 126 => [2, "n"], 127 => [8, "Q>"] }[length]
      more = width ? @stream.read(width) : ""
      length = more.unpack1(format) if width
      head + more + @stream.read(4 + length)
    end
  end

  # A way, as the examples name it, is one of these.
  WAYS = { "rack.hijack" => :full, "a rack.hijack header" => :partial, "rack.protocol" => :protocol }.freeze

  def initialize(way) = @way = WAYS.fetch(way)

  def call(env)
    env["rack.protocol"]&.include?("websocket") ? send(@way, env) : [200, {}, ["ordinary"]]
  end

  private

  def full(env)
    Talk.new(env, env["rack.hijack"].call, greet: true).start
    [200, {}, ["for nobody"]]
  end

  def partial(env)
    [101, { "connection" => "Upgrade", "upgrade" => "websocket", **accept(env),
            "rack.hijack" => ->(stream) { Talk.new(env, stream).start } }, []]
  end

  def protocol(env)
    [101, { "rack.protocol" => "websocket", **accept(env) }, ->(stream) { Talk.new(env, stream).start }]
  end

  def accept(env)
    { "sec-websocket-accept" => WebSocket::Driver::Hybi.generate_accept(env["HTTP_SEC_WEBSOCKET_KEY"]) }
  end
end
