# frozen_string_literal: true

module Conformance
  # Bytes as they are written in a file of requests/.
  module Notation
    NAMED = { "r" => "\r", "n" => "\n", "t" => "\t", "s" => " ", "0" => "\0", "\\" => "\\" }.freeze
    ESCAPE = /\\(?:x(?<hex>\h\h)|\{(?<part>.*?)\*(?<times>\d+)\}|(?<named>.?))/mn
    private_constant :NAMED, :ESCAPE

    # The bytes that `text` stands for.
    def self.bytes(text)
      text.b.gsub(ESCAPE) do
        match = Regexp.last_match
        if match[:hex] then match[:hex].hex.chr
        elsif match[:times] then bytes(match[:part]) * Integer(match[:times], 10)
        else
          NAMED.fetch(match[:named]) { raise ArgumentError, "#{match} in #{text.inspect} stands for nothing" }
        end
      end
    end
  end
end
