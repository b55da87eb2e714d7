# frozen_string_literal: true

module Kino
  # The `rack.input` of a request that was handed over before its body had come (`stream_bodies`). Reading waits for
  # the client, within `body_timeout` and `body_min_rate`; what is read is gone, so there is no rewind and no size. A
  # client that waits for a 100 gets it with the first read.
  #
  # @example An upload that never lies in memory as a whole
  #   while (part = env["rack.input"].readpartial(65_536))
  #     digest << part
  #   end
  class StreamedInput
    # Bytes asked for at a time where the app names no number.
    PART = 65_536
    private_constant :PART

    # @api private
    # @param request [Request] whose body it is
    # @param trailers [Hash, nil] what the trailer fields go to at the end of the body
    def initialize(request, trailers)
      @request = request
      @trailers = trailers
      @held = String.new(encoding: Encoding::BINARY)
      @ended = @closed = false
    end

    # As `IO#read`: waits until so many bytes are there, or the body has ended.
    #
    # @param length [Integer, nil] bytes to read; nil for all that is left
    # @param buffer [String, nil] takes what is read
    # @return [String, nil] nil at the end, where bytes were asked for
    # @raise [ClientError] for what the client does wrong: too slow, too large, malformed
    # @raise [ClientDisconnected] when it has left
    # @raise [IOError] once it is closed, or the request is over
    def read(length = nil, buffer = nil)
      raise ArgumentError, "negative length #{length} given" if length&.negative?

      nil until @held.bytesize >= (length || Float::INFINITY) || !more
      part = length ? take(length) : take(@held.bytesize)
      part = nil if part.empty? && length&.positive?
      buffer ? fill(buffer, part) : part
    end

    # What has come, up to a number of bytes; waits only while that is nothing.
    #
    # @param most [Integer] bytes to read at most
    # @param buffer [String, nil] takes what is read
    # @return [String, nil] nil at the end
    # @raise (see #read)
    def readpartial(most = PART, buffer = nil)
      more(most) if @held.empty?
      part = take(most)
      part = nil if part.empty? && most.positive?
      buffer ? fill(buffer, part) : part
    end

    # @param separator [String, nil] what ends a line; nil for all that is left
    # @return [String, nil] the next line with its end, or what is left; nil at the end
    # @raise (see #read)
    def gets(separator = $/)
      return (all = read).empty? ? nil : all unless separator

      searched = 0
      until (at = @held.index(separator, searched))
        searched = [@held.bytesize - separator.bytesize + 1, 0].max
        return @held.empty? ? nil : take(@held.bytesize) unless more
      end
      take(at + separator.bytesize)
    end

    # @yieldparam line [String]
    # @return [StreamedInput, Enumerator] itself; without a block, an Enumerator of the lines
    # @raise (see #read)
    def each
      return enum_for unless block_given?

      while (line = gets)
        yield line
      end
      self
    end

    # @return [Boolean] whether all has been read; waits until that is known
    # @raise (see #read)
    def eof? = @held.empty? && !more

    # @return [Encoding]
    def external_encoding = Encoding::BINARY

    # @return [StreamedInput] itself; it is binary already
    def binmode = self

    # What is left is not read any more.
    # @return [nil]
    def close
      @closed = true
      nil
    end

    # @return [Boolean]
    def closed? = @closed

    private

    # Whether something has come; false at the end.
    def more(most = PART)
      raise IOError, "closed stream" if @closed
      return false if @ended

      part = @request.read_body(most)
      return !!(@held << part) if part

      @trailers&.update(@request.trailers)
      @ended = true
      false
    end

    def take(length)
      raise IOError, "closed stream" if @closed

      length >= @held.bytesize ? @held.tap { @held = String.new(encoding: Encoding::BINARY) } : @held.slice!(0, length)
    end

    def fill(buffer, part)
      buffer.replace(part || "")
      part && buffer
    end
  end
end
