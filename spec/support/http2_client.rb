# frozen_string_literal: true

require_relative "hpack_reader"
require_relative "raw_client"

# An HTTP/2 client that sends exactly the frames it is told to, and shows what comes. A server that stays silent is a
# failure that shows what came so far, never a hang.
class Http2Client
  PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
  KINDS = %i[data headers priority rst_stream settings push_promise ping goaway window_update continuation].freeze
  END_STREAM = 1
  END_HEADERS = 4
  ACK = 1

  # What came in a frame; the payload of a head is its fields, read in the order that they came.
  Frame = Data.define(:kind, :flags, :stream, :payload) do
    def ends? = flags & END_STREAM != 0

    # A reset's or GOAWAY's.
    def code = payload.unpack(kind == :goaway ? "NN" : "N").last

    # GOAWAY's last stream.
    def last = payload.unpack1("N")
  end

  # A whole answer.
  Answer = Data.define(:status, :fields, :body, :trailers, :interim) do
    def [](name) = fields.assoc(name)&.last
  end

  def self.open(url, **)
    client = new(RawClient.open(url, protocol: "h2"), **)
    yield client
  ensure
    client&.close
  end

  # settings: what it says of itself, by number.
  def initialize(raw, settings: {})
    @raw = raw
    @reader = HpackReader.new
    @frames = []
    @raw.write(PREFACE)
    frame(:settings, 0, 0, settings.map { |name, value| [name, value].pack("nN") }.join)
  end

  attr_reader :raw

  def write(bytes) = @raw.write(bytes)

  def close = @raw.close

  # Sends a frame.
  def frame(kind, flags, stream, payload = "")
    write(self.class.bytes(kind, flags, stream, payload))
    self
  end

  # The bytes of a frame; one that there is no name for is given by its number.
  def self.bytes(kind, flags, stream, payload = "")
    length = payload.bytesize
    [length >> 16, length & 0xffff, KINDS.index(kind) || kind, flags, stream].pack("CnCCN") + payload.b
  end

  # The fields of a request's head.
  def self.head(method, path, fields = {})
    pseudo = { ":method" => method, ":scheme" => "http", ":path" => path, ":authority" => "localhost" }
    pseudo.to_a + fields.to_a
  end

  # Sends a request; its body follows by itself if it is given.
  def request(stream, method, path, fields = {}, body = nil, ends: body.nil?)
    headers(stream, self.class.head(method, path, fields), ends: ends)
    data(stream, body) if body
    self
  end

  def headers(stream, fields, ends: true)
    frame(:headers, END_HEADERS | (ends ? END_STREAM : 0), stream, HpackReader.write(fields))
  end

  def data(stream, bytes, ends: true)
    parts = bytes.empty? ? [bytes] : bytes.b.scan(/.{1,16384}/mn)
    parts.each_with_index do |part, at|
      frame(:data, ends && at == parts.size - 1 ? END_STREAM : 0, stream, part)
    end
    self
  end

  # Asks for a tunnel (RFC 8441).
  def connect(stream, protocol = "websocket", path = "/", fields = {})
    head = self.class.head("CONNECT", path).insert(1, [":protocol", protocol])
    headers(stream, head + fields.to_a, ends: false)
  end

  # So many bytes that come on a stream; opens windows for them.
  def read_data(stream, bytes)
    data = +"".b
    while data.bytesize < bytes
      frame = await { |one| one.stream == stream && %i[data rst_stream].include?(one.kind) }
      raise "stream #{stream} was reset after #{data.bytesize} bytes: #{frame.code}" if frame.kind == :rst_stream
      raise "stream #{stream} ended after #{data.bytesize} bytes" if frame.payload.empty? && frame.ends?

      data << frame.payload
      open_windows(stream, frame.payload.bytesize)
    end
    data
  end

  def get(stream, path = "/", fields = {}) = request(stream, "GET", path, fields).answer(stream)

  # The next frame for which the block is true; others before it are kept for later.
  def await
    at = @frames.index { |frame| yield frame }
    return @frames.delete_at(at) if at

    loop do
      frame = read_frame
      return frame if yield frame

      @frames << frame
    end
  end

  # The next frame of that kind, of that stream.
  def next_frame(kind, stream = nil) = await { |frame| frame.kind == kind && (stream.nil? || frame.stream == stream) }

  # Waits for the whole answer of a stream; opens windows for it as it comes.
  def answer(stream, windows: true)
    interim = []
    head = read_head(stream)
    while head.last.assoc(":status").last.start_with?("1")
      interim << head.last
      head = read_head(stream)
    end
    frame, fields = head
    body, trailers = frame.ends? ? ["".b, nil] : read_body(stream, windows)
    Answer.new(Integer(fields.assoc(":status").last), fields.drop(1), body, trailers, interim)
  end

  # A head's frame and fields.
  def read_head(stream)
    frame = await { |one| one.stream == stream && %i[headers rst_stream].include?(one.kind) }
    raise "stream #{stream} was reset: #{frame.code}" if frame.kind == :rst_stream

    [frame, frame.payload]
  end

  # Whether the server closes, whatever it says before.
  def closed?
    loop { @frames << read_frame }
  rescue RawClient::Truncated
    true
  end

  # The next frame, whatever it is.
  def read_any = await { true }

  # Frames that have come and nobody has asked for.
  attr_reader :frames

  private

  def read_body(stream, windows)
    body = +"".b
    loop do
      frame = await { |one| one.stream == stream && %i[data headers rst_stream].include?(one.kind) }
      raise "stream #{stream} was reset after #{body.bytesize} bytes: #{frame.code}" if frame.kind == :rst_stream
      return [body, frame.payload] if frame.kind == :headers

      body << frame.payload
      return [body, nil] if frame.ends?

      open_windows(stream, frame.payload.bytesize) if windows
    end
  end

  def open_windows(stream, bytes)
    return if bytes.zero?

    write([0, stream].map { |one| self.class.bytes(:window_update, 0, one, [bytes].pack("N")) }.join)
  end

  def read_frame
    header = @raw.read(9)
    high, low, kind, flags, stream = header.unpack("CnCCN")
    payload = @raw.read((high << 16) + low)
    one = Frame.new(KINDS[kind], flags, stream, payload)
    frame(:settings, ACK, 0) if one.kind == :settings && one.flags & ACK == 0
    return one unless one.kind == :headers
    raise "a head in several frames is not read" if one.flags & END_HEADERS == 0

    one.with(payload: @reader.read(one.payload))
  end
end
