# frozen_string_literal: true

require_relative "reader"

module Kino
  # The `rack.input` of a request that was handed over before its body had come (`stream_bodies`). It reads as a pipe
  # does: reading waits for the client, within `body_timeout` and `body_min_rate`; what is read is gone, so there is no
  # rewind and no size. A client that waits for a 100 gets it with the first read.
  #
  # @example An upload that never lies in memory as a whole
  #   while (part = env["rack.input"].read(65_536))
  #     digest << part
  #   end
  # @example
  #   IO.copy_stream(env["rack.input"], file)
  class StreamedInput < Reader
    # What only a file can do. `respond_to?` says no, so that whoever asks first, as Rails and Rack do, leaves it.
    FILE_ONLY = %i[rewind seek pos tell pos=].freeze
    private_constant :FILE_ONLY

    # @return [Encoding] binary, until {#set_encoding}
    attr_reader :external_encoding
    # @return [Encoding, nil] what lines and characters are transcoded to
    attr_reader :internal_encoding

    # @api private
    # @param request [Request] whose body it is
    # @param trailers [Hash, nil] what the trailer fields go to at the end of the body
    def initialize(request, trailers)
      super()
      @request = request
      @trailers = trailers
      @held = "".b
      @external_encoding = Encoding::BINARY
      @lineno = 0
      @ended = @closed = false
    end

    # @param name [Symbol, String]
    # @return [Boolean] false for what only a file can do
    def respond_to?(name, include_all = false) = !FILE_ONLY.include?(name.to_sym) && super

    # @raise [Errno::ESPIPE] as for a pipe: what is read is gone
    def rewind(*) = raise(Errno::ESPIPE)
    alias seek rewind
    alias pos rewind
    alias tell rewind
    alias pos= rewind

    # Puts bytes back, to be read first.
    #
    # @param bytes [Integer, String, nil]
    # @return [nil]
    # @raise [IOError] once it is closed
    def ungetbyte(bytes)
      check_open
      bytes = (whole(bytes) & 0xff).chr unless bytes.nil? || bytes.is_a?(String)
      @held = bytes.b << @held if bytes
      nil
    end

    # Puts characters back, to be read first.
    #
    # @param chars [String, Integer, nil]
    # @return [nil]
    # @raise [IOError] once it is closed
    def ungetc(chars) = ungetbyte(chars.is_a?(Integer) ? chars.chr(@external_encoding) : chars)

    # @return [Integer] how many lines have been read
    # @raise [IOError] once it is closed
    def lineno
      check_open
      @lineno
    end

    # @param number [Integer] how many lines have been read
    # @raise [IOError] once it is closed
    def lineno=(number)
      check_open
      @lineno = whole(number)
    end

    # As `IO#set_encoding`: what lines, characters, and all that is left are in.
    #
    # @param external [Encoding, String, nil] what the client has sent; nil for the process's default
    # @param internal [Encoding, String, nil] what they are to be transcoded to
    # @param options [Hash] as `String#encode` takes them
    # @return [StreamedInput] itself
    # @raise [IOError] once it is closed
    def set_encoding(external, internal = nil, **options)
      check_open
      external, internal = external.delete_prefix("BOM|").split(":", 2) if external.is_a?(String) && internal.nil?
      external, internal = [external || Encoding.default_external, internal].map { |name| name && Encoding.find(name) }
      @external_encoding = external
      @internal_encoding = internal unless internal == external
      @options = options
      self
    end

    # @return [StreamedInput] itself: binary, as it was at first
    # @raise [IOError] once it is closed
    def binmode = set_encoding(Encoding::BINARY)

    # What is left is not read any more.
    # @return [nil]
    def close
      @closed = true
      nil
    end
    alias close_read close

    # @return [Boolean]
    def closed? = @closed

    private

    def check_open
      raise IOError, "closed stream" if @closed
    end

    def more(most = PART)
      return false if @ended

      part = Native::Exchange.read_body(@request, most)
      if part
        @held = @held.empty? ? part : @held << part
        return true
      end

      @trailers&.update(Native::Exchange.trailers(@request))
      @ended = true
      false
    end

    def text(bytes)
      bytes.force_encoding(@external_encoding)
      @internal_encoding ? bytes.encode(@internal_encoding, **@options) : bytes
    end

    def count_line = @lineno += 1
  end
end
