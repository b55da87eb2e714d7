# frozen_string_literal: true

# The message of this example, as notes.proto has it, and its bytes. An app of some size takes what `protoc` makes of
# its .proto files (gem google-protobuf): all that Rpc asks of a message's class is `decode`, of a message `encode`.
Note = Data.define(:text, :number) do
  def initialize(text: "", number: 0) = super

  # @param bytes [String] fields: each a key, its number times 8 plus how its value is written, and the value
  # @return [Note]
  # @raise [ArgumentError] for what is no message
  def self.decode(bytes)
    fields, at = {}, 0
    while at < bytes.bytesize
      key, at = varint(bytes, at)
      value, at = value(bytes, at, key & 7)
      fields[key] = value
    end
    new(text: text(fields[0x0a] || ""), number: [fields[0x10] || 0].pack("Q").unpack1("q"))
  end

  # @return [String] fields that have their default are left out
  def encode
    bytes = "".b
    bytes << 0x0a << varint(text.bytesize) << text.b unless text.empty?
    bytes << 0x10 << varint(number) unless number.zero?
    bytes
  end

  class << self
    private

    def value(bytes, at, kind)
      case kind
      when 0 then varint(bytes, at)
      when 1 then part(bytes, at, 8)
      when 2 then part(bytes, *varint(bytes, at).reverse)
      when 5 then part(bytes, at, 4)
      else raise ArgumentError, "a field of a kind that there isn't"
      end
    end

    def part(bytes, at, length)
      raise ArgumentError, "a field that isn't whole" if at + length > bytes.bytesize

      [bytes.byteslice(at, length), at + length]
    end

    # Seven bits a byte, the lowest first; all but the last have the eighth.
    def varint(bytes, at)
      number = 0
      10.times do |place|
        byte = bytes.getbyte(at + place) || raise(ArgumentError, "a number that isn't whole")
        number |= (byte & 0x7f) << (7 * place)
        return [number & 0xffff_ffff_ffff_ffff, at + place + 1] if byte < 0x80
      end
      raise ArgumentError, "a number that is too long"
    end

    def text(bytes)
      bytes.dup.force_encoding(Encoding::UTF_8).tap do |text|
        raise ArgumentError, "a text that isn't UTF-8" unless text.valid_encoding?
      end
    end
  end

  private

  def varint(number)
    number &= 0xffff_ffff_ffff_ffff
    bytes = "".b
    while number > 0x7f
      bytes << ((number & 0x7f) | 0x80)
      number >>= 7
    end
    bytes << number
  end
end
