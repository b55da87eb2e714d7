# frozen_string_literal: true

require "tempfile"

# What apps call on rack.input, each to be answered as a File answers it. Shareable, so any mode can run them.
module InputCalls
  # Lines of all kinds, bytes that are no text, and no end of the last line.
  BODY = "one\ntwo\r\n\n\n\nthree--four\x00\xFE\xC3\xA9\n--\rfive".b.freeze
  TEXT = "Gr\u00FC\u00DFe\naus\r\n\n\nK\u00F6ln \u{1F600}!\nEnde".b.freeze

  module_function

  # A File of these bytes, opened to be read: the measure of what an input answers.
  def with_file(body)
    Tempfile.create(binmode: true) do |file|
      file.write(body)
      file.flush
      File.open(file.path, "rb") { |opened| yield opened }
    end
  end

  # What a call answers, or raises, in values that Marshal knows.
  def result(input, call)
    plain(call.call(input), input)
  rescue StandardError => error
    [error.class.name, error.message.delete_prefix("undefined ")[/\A[^#<]*/]]
  end

  def plain(value, input)
    case value
    when String then [value.b, value.encoding.name]
    when Encoding then value.name
    when Array then value.map { |one| plain(one, input) }
    when Enumerator then plain(value.to_a, input)
    when input then :itself
    else value
    end
  end

  # Answers with the result of the call that the path names, by its number.
  module App
    def self.call(env) = Probes.answer(InputCalls.result(env["rack.input"], ALL.values[Integer(env["PATH_INFO"][1..])]))
  end

  ALL = Ractor.make_shareable(nil.instance_exec do
    {
      "read" => ->(io) { [io.read, io.read] },
      "read(nil)" => ->(io) { [io.read(nil), io.read(nil)] },
      "read(n) to the end" => ->(io) { Array.new(8) { io.read(7) } },
      "read(0), before and at the end" => ->(io) { [io.read(0), io.read, io.read(0)] },
      "read(1.9)" => ->(io) { io.read(1.9) },
      "read(n) of more than there is" => ->(io) { [io.read(1_000_000), io.read(1)] },
      "read(-1)" => ->(io) { io.read(-1) },
      "read of no number" => ->(io) { io.read("3") },
      "read of too large a number" => ->(io) { io.read(2**70) },
      "read(n, buffer) to the end" => lambda do |io|
        buffer = "was here before".b
        Array.new(8) { [io.read(7, buffer).equal?(buffer), buffer.dup] }
      end,
      "read(nil, buffer)" => lambda do |io|
        buffer = +"was here before"
        [io.read(nil, buffer).equal?(buffer), buffer.dup, io.read(nil, buffer), buffer]
      end,
      "read(0, buffer)" => ->(io) { [io.read(0, buffer = "old".b), buffer] },
      "read(n, frozen)" => ->(io) { io.read(3, "frozen") },
      "read(n, no string)" => ->(io) { io.read(3, :symbol) },
      "read(nil, no string)" => ->(io) { io.read(nil, 7) },
      "read with too many arguments" => ->(io) { io.read(1, +"", 2) },
      "readpartial(0), before and at the end" => ->(io) { [io.readpartial(0), io.read, io.readpartial(0)] },
      "readpartial(n) after gets" => ->(io) { [io.gets, io.readpartial(2)] },
      "readpartial at the end" => ->(io) { io.read && io.readpartial(3) },
      "readpartial at the end, with a buffer" => lambda do |io|
        io.read
        buffer = "old".b
        begin
          io.readpartial(3, buffer)
        rescue EOFError
          [buffer]
        end
      end,
      "readpartial(-1)" => ->(io) { io.readpartial(-1) },
      "readpartial(nil)" => ->(io) { io.readpartial(nil) },
      "readpartial(n, buffer)" => ->(io) { io.gets && [io.readpartial(2, buffer = "old".b).equal?(buffer), buffer] },
      "IO.copy_stream" => ->(io) { [IO.copy_stream(io, out = StringIO.new("".b)), out.string] },
      "IO.copy_stream of some" => ->(io) { [IO.copy_stream(io, out = StringIO.new("".b), 9), out.string, io.read] },
      "gets" => ->(io) { Array.new(12) { io.gets } },
      "gets(limit)" => ->(io) { Array.new(20) { io.gets(3) } },
      "gets(0), before and at the end" => ->(io) { [io.gets(0), io.read, io.gets(0)] },
      "gets(-1)" => ->(io) { io.gets(-1) },
      "gets(nil)" => ->(io) { [io.gets(nil), io.gets(nil)] },
      "gets(nil, limit)" => ->(io) { [io.gets(nil, 12), io.gets(nil, -1)] },
      'gets("")' => ->(io) { Array.new(4) { io.gets("") } },
      'gets("", limit)' => ->(io) { Array.new(12) { io.gets("", 4) } },
      "gets(separator)" => ->(io) { Array.new(4) { io.gets("--") } },
      "gets(separator, limit)" => ->(io) { Array.new(12) { io.gets("--", 6) } },
      "gets(separator that is not there)" => ->(io) { [io.gets("nowhere"), io.gets] },
      "gets(separator, nil)" => ->(io) { io.gets("--", nil) },
      "gets(chomp: true)" => ->(io) { Array.new(12) { io.gets(chomp: true) } },
      "gets(nil, chomp: true)" => ->(io) { io.gets(nil, chomp: true) },
      'gets("", chomp: true)' => ->(io) { Array.new(4) { io.gets("", chomp: true) } },
      "gets(separator, chomp: true)" => ->(io) { Array.new(4) { io.gets("--", chomp: true) } },
      "gets(limit, chomp: true)" => ->(io) { Array.new(12) { io.gets(4, chomp: true) } },
      "gets with too many arguments" => ->(io) { io.gets("a", 1, 2) },
      "gets of neither" => ->(io) { io.gets(:symbol) },
      "gets(number, number)" => ->(io) { io.gets(1, 2) },
      "gets between reads" => ->(io) { [io.read(2), io.gets, io.read(3), io.gets, io.getbyte, io.gets, io.read] },
      "readline to the end" => ->(io) { Array.new(12) { io.readline } },
      "readline(chomp: true)" => ->(io) { io.readline(chomp: true) },
      "readline at the end" => ->(io) { io.read && io.readline },
      "readlines" => ->(io) { [io.readlines, io.readlines] },
      "readlines(separator, limit, chomp: true)" => ->(io) { io.readlines("--", 5, chomp: true) },
      "readlines(0)" => ->(io) { io.readlines(0) },
      "each" => ->(io) { [[].tap { |lines| io.each { |line| lines << line } }, io.read] },
      "each answers itself" => ->(io) { io.each { |line| line.size } },
      "each without a block" => ->(io) { io.each },
      "each_line(limit)" => ->(io) { io.each_line(4) },
      "each_line(separator, chomp: true)" => lambda do |io|
        [].tap { |lines| io.each_line("--", chomp: true) { |line| lines << line } }
      end,
      "each_line(0)" => ->(io) { io.each_line(0) { |line| line } },
      "each_byte" => ->(io) { io.each_byte },
      "each_byte answers itself" => ->(io) { io.each_byte { |byte| byte } },
      "each_char" => ->(io) { io.each_char },
      "getbyte to the end" => ->(io) { Array.new(60) { io.getbyte } },
      "readbyte" => ->(io) { io.readbyte },
      "readbyte at the end" => ->(io) { io.read && io.readbyte },
      "getc to the end" => ->(io) { Array.new(60) { io.getc } },
      "readchar at the end" => ->(io) { io.read && io.readchar },
      "eof?" => ->(io) { [io.eof?, io.read, io.eof?, io.eof] },
      "lineno" => ->(io) { [io.lineno, io.gets, io.lineno, io.gets("--"), io.lineno, io.gets(1), io.lineno] },
      "external_encoding, internal_encoding" => ->(io) { [io.external_encoding, io.internal_encoding] },
      "binmode" => ->(io) { [io.binmode, io.read(4)] },
      "tty?" => ->(io) { [io.tty?, io.isatty] },
      "set_encoding answers itself" => ->(io) { io.set_encoding("utf-8") }
    }
  end)

  # Where state is told, which an input without a body has none of.
  WITH_STATE = Ractor.make_shareable(nil.instance_exec do
    {
      "set_encoding, and all kinds of reading" => lambda do |io|
        io.set_encoding("utf-8")
        [io.external_encoding, io.gets, io.read(3), io.getc, io.getc, io.gets(3), io.readpartial(2), io.read]
      end,
      "set_encoding(an Encoding)" => ->(io) { io.set_encoding(Encoding::ISO_8859_1) && [io.getc, io.read] },
      "set_encoding, lines by limits" => ->(io) { io.set_encoding("utf-8") && Array.new(25) { io.gets(1) } },
      "set_encoding, then characters" => ->(io) { io.set_encoding("utf-8") && io.each_char },
      "ungetbyte and ungetc" => lambda do |io|
        io.ungetbyte("back")
        io.ungetbyte(65)
        io.ungetc("c")
        [io.read(3), io.gets]
      end,
      "close" => ->(io) { [io.close, io.close, io.closed?] },
      "lineno=" => ->(io) { [io.lineno = 7, io.gets, io.lineno] },
      **%i[read gets getbyte getc eof? each_line readlines lineno].to_h do |name|
        ["#{name} when closed", ->(io) { io.close || io.public_send(name).then { |value| [value].flatten } }]
      end
    }
  end)
end
