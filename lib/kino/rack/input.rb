# frozen_string_literal: true

require "stringio"

module Kino
  # The `rack.input` of a request without a body: it reads as an IO at its end. A body that fits `body_buffer` is a
  # `StringIO` instead, a longer one a `File` without a name; a request reaches the app with all of its body, so all
  # three can be rewound and know their size.
  #
  # @api private
  class NoInput
    # @param length [Integer, nil] bytes to read
    # @param buffer [String, nil] is emptied
    # @return [String, nil] `nil` where bytes were asked for, as `IO#read` at the end
    def read(length = nil, buffer = nil)
      buffer&.clear
      return if length&.positive?

      buffer || String.new
    end

    # @return [nil] there is no line
    def gets(*) = nil

    # @return [NoInput] itself; there is nothing to yield
    def each = block_given? ? self : [].each

    # @return [Integer] 0
    def rewind = 0

    # @return [Integer] 0
    def size = 0
    alias length size
    alias pos size

    # @return [true]
    def eof? = true
    alias eof eof?

    # @return [Encoding]
    def external_encoding = Encoding::BINARY

    # Changes nothing: one object serves every request.
    # @return [NoInput]
    def binmode = self

    # Changes nothing: one object serves every request.
    # @return [nil]
    def close = nil

    # @return [false]
    def closed? = false
  end

  # The one that serves every request without a body, in every ractor.
  # @api private
  NO_INPUT = NoInput.new.freeze
end
