# frozen_string_literal: true

module Kino
  # Signals turned into something a thread can wait for. A trap handler may do next to nothing safely, so each only
  # writes its signal's number into a pipe. (Waiting on a pipe, unlike on a Queue, also never looks like a deadlock to
  # Ruby when every other thread sleeps.)
  #
  # @api private
  class Signals
    # What asks a server to stop.
    STOP = %w[INT TERM].freeze

    # @param names [Array<String>] the signals to wait for; none of them is touched before {#trapping}
    def initialize(names = STOP)
      @names = names
      @reader, @writer = IO.pipe
    end

    # Takes the signals over while the block runs; whoever had them before has them again afterwards.
    #
    # @yieldreturn [Object]
    # @return [Object] what the block returns
    def trapping
      former = @names.to_h { |name| [name, trap(name)] }
      yield
    ensure
      former&.each { |name, handler| Signal.trap(name, handler || "DEFAULT") }
    end

    # @return [Integer] the number of the next signal, or what {#wake} was given; waits for it
    def wait = @reader.readbyte

    # @param token [Integer] a byte that is no signal's number: 128 to 255
    # @return [void]
    def wake(token) = write(token)

    # Lets go of the pipe.
    #
    # @return [void]
    def close = [@reader, @writer].each(&:close)

    private

    def trap(name)
      number = Signal.list.fetch(name)
      Signal.trap(name) { write(number) }
    end

    # A full pipe means that thousands of signals wait to be read: one more says nothing new. A closed one means that
    # nobody listens any more.
    def write(byte)
      @writer.write_nonblock(byte.chr, exception: false)
    rescue IOError
      nil
    end
  end
end
