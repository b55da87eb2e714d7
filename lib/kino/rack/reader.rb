# frozen_string_literal: true

require_relative "lines"

module Kino
  # Reads as a `File` opened with `"rb"` does, of bytes that come from wherever a subclass says: the same results for
  # the same arguments, and the same errors. What can't be read twice has no place to go back to, hence no `seek` here.
  #
  # @api private
  class Reader
    include Lines

    # Bytes asked for at a time where the app names no number.
    PART = 65_536
    # More bytes than a character of any encoding has.
    CHARACTER = 16
    private_constant :PART, :CHARACTER

    # Waits until so many bytes are there, or the end.
    #
    # @param length [Integer, nil] bytes to read; nil for all that is left
    # @param buffer [String, nil] takes what is read
    # @return [String, nil] nil at the end, where bytes were asked for
    # @raise [ArgumentError] for a length below zero
    # @raise [IOError] once it is closed
    # @raise [ClientError] for what the client does wrong while its body is coming: too slow, too large, malformed
    # @raise [ClientDisconnected] when it has left
    def read(length = nil, buffer = nil)
      check_open
      return everything(buffer) if length.nil?

      length = size_of(length)
      buffer &&= emptied(buffer)
      nil until held.bytesize >= length || !more
      fill(buffer, held.empty? && length.positive? ? nil : take(length))
    end

    # What has come, up to a number of bytes; waits only while that is nothing.
    #
    # @param most [Integer] bytes to read at most
    # @param buffer [String, nil] takes what is read
    # @return [String]
    # @raise [EOFError] at the end
    # @raise (see #read)
    def readpartial(most = PART, buffer = nil)
      check_open
      most = size_of(most)
      buffer &&= emptied(buffer)
      raise EOFError, "end of file reached" unless most.zero? || !held.empty? || more(most)

      fill(buffer, take(most))
    end

    # @return [Integer, nil] the next byte; nil at the end
    # @raise (see #read)
    def getbyte
      check_open
      take(1).getbyte(0) unless at_end?
    end

    # @return [Integer] the next byte
    # @raise (see #readpartial)
    def readbyte = getbyte || raise(EOFError, "end of file reached")

    # @return [String, nil] the next character; nil at the end
    # @raise (see #read)
    def getc
      check_open
      return if at_end?

      nil until (char = front(CHARACTER)[0]).valid_encoding? || held.bytesize >= CHARACTER || !more
      text(take(char.bytesize))
    end

    # @return [String] the next character
    # @raise (see #readpartial)
    def readchar = getc || raise(EOFError, "end of file reached")

    # @yieldparam byte [Integer]
    # @return [Reader, Enumerator] itself; without a block, an Enumerator of the bytes
    # @raise (see #read)
    def each_byte
      return enum_for(:each_byte) unless block_given?

      while (byte = getbyte)
        yield byte
      end
      self
    end

    # @yieldparam char [String]
    # @return [Reader, Enumerator] itself; without a block, an Enumerator of the characters
    # @raise (see #read)
    def each_char
      return enum_for(:each_char) unless block_given?

      while (char = getc)
        yield char
      end
      self
    end

    # @return [Boolean] whether all has been read; waits until that is known
    # @raise (see #read)
    def eof?
      check_open
      at_end?
    end
    alias eof eof?

    # @return [Encoding] of lines, characters and all that is left; a number of bytes is binary
    def external_encoding = Encoding::BINARY

    # @return [Encoding, nil] what lines and characters are transcoded to
    def internal_encoding = nil

    # @return [Reader] itself
    def binmode = self

    # @return [true]
    def binmode? = true

    # @return [true] nothing is kept for later
    def sync = true

    # Changes nothing.
    def sync=(_value); end

    # @return [false]
    def tty? = false
    alias isatty tty?

    private

    # @return [String] what has come and has not been read
    attr_reader :held

    # Whether something has come; false at the end. A subclass adds it to what is held.
    def more(_most = PART) = false

    # A subclass raises once it is closed.
    def check_open = nil

    # A line that no limit has cut.
    def count_line = nil

    def at_end? = held.empty? && !more

    def everything(buffer)
      buffer &&= emptied(buffer)
      nil while more
      part = text(take(held.bytesize))
      buffer ? buffer.replace(part) : part
    end

    def take(length)
      return "".b if held.empty?
      return held.slice!(0, length) if length < held.bytesize

      held.tap { @held = "".b }
    end

    def front(length) = held.byteslice(0, length).force_encoding(external_encoding)

    def text(bytes) = bytes

    # A buffer keeps its encoding, as with a File.
    def fill(buffer, part)
      return part unless buffer && part

      encoding = buffer.encoding
      buffer.replace(part).force_encoding(encoding)
    end

    def size_of(length)
      length = whole(length)
      length.negative? ? raise(ArgumentError, "negative length #{length} given") : length
    end

    # Raises what Ruby's own methods do for what is no Integer.
    def whole(number)
      "".getbyte(number)
      number.to_int
    end

    def emptied(buffer) = string_of(buffer).clear

    # Raises what Ruby's own methods do for what is no String.
    def string_of(object) = String.try_convert(object) || ("" + object)
  end

  private_constant :Reader
end
