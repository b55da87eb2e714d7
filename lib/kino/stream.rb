# frozen_string_literal: true

module Kino
  # What a callable body is called with: it writes the answer's body, each part leaving at once, and reads the
  # request's.
  #
  # @example
  #   [200, {}, ->(stream) { 3.times { |n| stream << "line #{n}\n" }; stream.close }]
  class Stream
    # @api private
    # @param native [Native::Worker] where parts go
    # @param input [#read] the request's `rack.input`
    def initialize(native, input)
      @native = native
      @input = input
      @reads = @writes = true
    end

    # @param length [Integer, nil] bytes to read at most; nil reads all that is left
    # @param buffer [String, nil] takes what is read
    # @return [String, nil] nil at the end of the request's body
    # @raise [IOError] once its reading side is closed
    def read(length = nil, buffer = nil)
      raise IOError, "the stream's reading side is closed" unless @reads

      buffer ? @input.read(length, buffer) : @input.read(length)
    end

    # Sends a part, and waits while the client takes no more.
    #
    # @param parts [Array<#to_s>]
    # @return [Integer] bytes written
    # @raise [IOError] once its writing side is closed
    # @raise [ClientDisconnected] when nobody is there to read it
    def write(*parts)
      raise IOError, "the stream's writing side is closed" unless @writes

      parts.sum do |part|
        string = part.to_s
        @native.write(string)
        string.bytesize
      end
    end

    # @param part [#to_s]
    # @return [Stream] itself
    # @raise (see #write)
    def <<(part)
      write(part)
      self
    end

    # Sends the answer's head even though no part is there yet.
    #
    # @return [Stream] itself
    # @raise [ClientDisconnected] when nobody is there to read it
    def flush
      @native.flush if @writes
      self
    end

    # @return [nil]
    def close_read = @reads = nil

    # @return [nil]
    def close_write = @writes = nil

    # Ends the answer's body.
    #
    # @param _error [Exception, nil] why, for bodies that say so
    # @return [nil]
    def close(_error = nil)
      close_read
      close_write
    end

    # @return [Boolean] whether both sides are closed
    def closed? = !@reads && !@writes
  end
end
