# frozen_string_literal: true

require_relative "notation"
require_relative "../support/http2_client"

module Conformance
  # A conversation of frames/: what is sent, and what is to come back. frames/README.md has the format.
  FrameCase = Data.define(:theme, :why, :expected, :lines) do
    # All there are, by theme.
    def self.all(folder)
      Dir[File.join(folder, "*.frames")].to_h { |path| [File.basename(path, ".frames"), read(path)] }
    end

    def self.read(path)
      File.read(path).split(/\n{2,}/).map do |block|
        told, sent = block.lines(chomp: true).partition { |line| line.start_with?("#") }
        told = told.map { |line| line.delete_prefix("#").strip }
        name, value = told.last.split(": ", 2)
        new(theme: File.basename(path, ".frames"), why: told[..-2].join(" "), expected: [name, value], lines: sent)
      end
    end

    # Whether it begins in its own way.
    def raw? = lines.first.start_with?("raw ")
  end

  # What the lines of a case do to a client.
  class FrameSender
    FLAGS = { "-" => 0, "END_STREAM" => 1, "ACK" => 1, "END_HEADERS" => 4, "PADDED" => 8, "PRIORITY" => 32 }.freeze
    private_constant :FLAGS

    def initialize(client)
      @client = client
    end

    def send_line(line)
      word, *rest = line.split
      case word
      when "raw" then @client.write(Notation.bytes(line.delete_prefix("raw ")))
      when "get" then head(rest, "GET", 5)
      when "post" then head(rest, "POST", 4)
      when "answer" then @client.answer(Integer(rest.first))
      when "part" then check_part(*rest)
      else frame(word, line)
      end
    end

    private

    def head((stream, *fields), method, flags)
      @client.frame(:headers, flags, Integer(stream), HpackReader.write(Http2Client.head(method, "/", pairs(fields))))
    end

    def frame(word, line)
      _, flags, stream, payload = line.split(" ", 4)
      kind, payload = coded(word, payload.to_s)
      @client.frame(kind, flags.split("|").sum { |flag| FLAGS.fetch(flag) { Integer(flag) } }, Integer(stream), payload)
    end

    def coded(word, payload)
      case word
      when "headers", "continuation" then [word.to_sym, HpackReader.write(pairs(payload.split))]
      when "block" then [:headers, Notation.bytes(payload)]
      when /\A\d+\z/ then [Integer(word), Notation.bytes(payload)]
      else [word.to_sym, Notation.bytes(payload)]
      end
    end

    def pairs(fields)
      fields.map { |field| field.match(/\A(:?[^=]+)=(.*)\z/m).captures.map { |text| Notation.bytes(text) } }
    end

    def check_part(stream, length)
      frame = @client.next_frame(:data, Integer(stream))
      raise "#{frame.payload.bytesize} bytes came of stream #{stream}" unless frame.payload.bytesize == Integer(length)
    end
  end
end
