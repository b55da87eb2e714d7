# frozen_string_literal: true

require "stringio"
require_relative "reader"

module Kino
  # The `rack.input` of a request without a body: it reads as an IO at its end, and takes what apps of Puma's do with
  # theirs. It has no state, so that making one for a request, which middleware may extend, costs next to nothing.
  #
  # A body that fits `body_buffer` is a `StringIO` instead, a longer one a `File` without a name; a request reaches the
  # app with all of its body, so all three can be rewound and know their size.
  #
  # @api private
  class NoInput < Reader
    NOTHING = "".b.freeze
    private_constant :NOTHING

    # @return [Integer] 0
    def rewind = 0

    # @return [Integer] 0
    def size = 0
    alias length size
    alias pos size
    alias tell size
    alias lineno size

    # @return [Integer] 0: wherever it is put, it is at its end
    # @raise [Errno::EINVAL] for a place before the beginning
    def seek(offset, _whence = IO::SEEK_SET)
      raise Errno::EINVAL if whole(offset).negative?

      0
    end

    # @return [Integer] what was given
    # @raise (see #seek)
    def pos=(offset)
      seek(offset)
    end

    # Changes nothing.
    # @return [NoInput]
    def set_encoding(*) = self

    # @return [String] empty
    def string = "".b

    # Takes nothing.
    # @return [Integer] 0
    def write(*) = 0

    # Takes nothing.
    # @return [nil]
    def puts(*) = nil

    # @return [NoInput]
    def flush = self

    # Changes nothing.
    # @return [nil]
    def close = nil
    alias close_read close

    # @return [false]
    def closed? = false

    private

    def held = NOTHING
  end
end
