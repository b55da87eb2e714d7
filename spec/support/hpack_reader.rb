# frozen_string_literal: true

# Header compression as a client needs it (RFC 7541): what is sent is never compressed, what comes is read with a table
# of one's own, so that nothing of the server's has to be believed.
class HpackReader
  # Bits of each byte in the Huffman code, and of its end; the code is canonical (appendix B).
  LENGTHS = <<~TEXT.split.map(&:to_i).freeze
    13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
    6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
    13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
    15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
    20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
    22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
    26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
    20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30
  TEXT
  STATIC = <<~TEXT.lines.map { |line| line.chomp.split(" ", 2).then { |name, value| [name, value.to_s] } }.freeze
    :authority
    :method GET
    :method POST
    :path /
    :path /index.html
    :scheme http
    :scheme https
    :status 200
    :status 204
    :status 206
    :status 304
    :status 400
    :status 404
    :status 500
    accept-charset
    accept-encoding gzip, deflate
    accept-language
    accept-ranges
    accept
    access-control-allow-origin
    age
    allow
    authorization
    cache-control
    content-disposition
    content-encoding
    content-language
    content-length
    content-location
    content-range
    content-type
    cookie
    date
    etag
    expect
    expires
    from
    host
    if-match
    if-modified-since
    if-none-match
    if-range
    if-unmodified-since
    last-modified
    link
    location
    max-forwards
    proxy-authenticate
    proxy-authorization
    range
    referer
    refresh
    retry-after
    server
    set-cookie
    strict-transport-security
    transfer-encoding
    user-agent
    vary
    via
    www-authenticate
  TEXT
  private_constant :LENGTHS, :STATIC

  # Bits as text => byte.
  CODES = begin
    code = 0
    (1..30).each_with_object({}) do |length, codes|
      LENGTHS.each_with_index do |other, symbol|
        next unless other == length

        codes[code.to_s(2).rjust(length, "0")] = symbol
        code += 1
      end
      code <<= 1
    end.freeze
  end
  private_constant :CODES

  # The bytes of a block of literal fields.
  def self.write(fields)
    fields.map { |name, value| "\0#{string(name.to_s)}#{string(value.to_s)}".b }.join
  end

  def self.string(text) = integer(text.bytesize, 7) + text.b

  def self.integer(number, prefix)
    most = (1 << prefix) - 1
    return [number].pack("C") if number < most

    bytes = [most]
    number -= most
    while number >= 128
      bytes << (number % 128 | 128)
      number /= 128
    end
    [*bytes, number].pack("C*")
  end
  private_class_method :string, :integer

  def initialize
    @table = []
  end

  # Pairs of names and values.
  def read(block)
    @bytes = block.bytes
    fields = []
    fields << field until @bytes.empty?
    fields.compact
  end

  private

  def field
    first = @bytes.first
    return entry(integer(7)) if first & 128 != 0
    return integer(5) && nil if first & 0xe0 == 0x20

    remembered = first & 64 != 0
    index = integer(remembered ? 6 : 4)
    field = [index.zero? ? string : entry(index).first, string]
    @table.unshift(field) if remembered
    field
  end

  def entry(index)
    (index <= STATIC.size ? STATIC[index - 1] : @table[index - STATIC.size - 1]) || raise("no entry #{index}")
  end

  def integer(prefix)
    most = (1 << prefix) - 1
    number = @bytes.shift & most
    return number if number < most

    shift = 0
    loop do
      byte = @bytes.shift
      number += (byte & 127) << shift
      shift += 7
      return number if byte < 128
    end
  end

  def string
    huffman = @bytes.first & 128 != 0
    text = @bytes.shift(integer(7)).pack("C*")
    huffman ? expand(text) : text
  end

  def expand(text)
    bits = +""
    text.unpack1("B*").each_char.with_object(+"".b) do |bit, out|
      bits << bit
      next unless (symbol = CODES[bits])

      out << symbol
      bits.clear
    end
  end
end
