# frozen_string_literal: true

module Kino
  # What a callable body is called with: it writes the answer's body, each part leaving at once, and reads the
  # request's, both at the same time if it likes and the body is still coming (`stream_bodies`).
  #
  # The app may keep a stream, return, and go on with it on threads of its own: no worker waits for it. One thread may
  # write while another reads; threads that both write take turns. Whoever has it closes it, which ends the answer; a
  # stream that is lost unclosed has its connection closed when it is collected.
  #
  # @example
  #   [200, {}, ->(stream) { 3.times { |n| stream << "line #{n}\n" }; stream.close }]
  # @example An answer that others write: no worker waits for it
  #   [200, { "content-type" => "text/event-stream" }, ->(stream) { SUBSCRIBERS << stream }]
  class Stream
    # @api private
    # @param request [Request] whose answer has been begun, and left to the app
    # @param env [Hash] the request's
    def initialize(request, env)
      @request = request
      @env = env
      @input = env["rack.input"]
      @lock = Mutex.new
      @reads = @writes = @called = true
      @ended = false
    end

    # @param length [Integer, nil] bytes to read at most; nil reads all that is left
    # @param buffer [String, nil] takes what is read
    # @return [String, nil] nil at the end of the request's body
    # @raise [IOError] once its reading side is closed
    # @raise [ClientError] for what the client does wrong while its body is coming
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
      @lock.synchronize do
        parts.sum do |part|
          string = part.to_s
          Native::Exchange.write(written, string)
          string.bytesize
        end
      end
    end

    # Sends a part unless the client has still to take earlier ones: for whoever writes to many and waits for none. What
    # the client does not take of it at once goes with the next part, or with {#flush}.
    #
    # @param part [#to_s]
    # @param exception [Boolean] whether to raise for a client that is slow
    # @return [Integer, :wait_writable] bytes written
    # @raise [IO::WaitWritable] for a client that is slow
    # @raise (see #write)
    # @example
    #   SUBSCRIBERS.each { |stream| stream.write_nonblock(event, exception: false) }
    def write_nonblock(part, exception: true)
      string = part.to_s
      return string.bytesize if @lock.synchronize { Native::Exchange.write_some(written, string) }
      return :wait_writable unless exception

      raise IO::EAGAINWaitWritable, "the client has not taken what it was sent before"
    end

    # As {#write}, with one part: there is no buffer that it could go past.
    #
    # @param part [#to_s]
    # @return [Integer] bytes written
    # @raise (see #write)
    def syswrite(part) = write(part)

    # @param part [#to_s]
    # @return [Stream] itself
    # @raise (see #write)
    def <<(part)
      write(part)
      self
    end

    # Sends the answer's head even though no part is there yet, and what {#write_nonblock} has left; waits while the
    # client takes no more.
    #
    # @return [Stream] itself
    # @raise [ClientDisconnected] when nobody is there to read it
    def flush
      @lock.synchronize { Native::Exchange.flush(@request) if @writes }
      self
    end

    # @return [nil]
    def close_read = @reads = nil

    # Ends the answer's body, and sends the trailers in `env["kino.response_trailers"]`; inside the body's own `call`,
    # when that returns.
    #
    # @return [nil]
    # @raise [ResponseError] for a trailer that can't be sent, or a body that isn't as long as its content-length
    def close_write = close_sides { @writes = nil }

    # Ends the answer; inside the body's own `call`, when that returns. A thread that waits in {#read} meanwhile has an
    # IOError at once.
    #
    # @param error [Exception, nil] why the body is not whole: then the connection is closed so that the client can tell
    # @return [nil]
    # @raise (see #close_write)
    def close(error = nil)
      close_sides do
        cut_off(error) if error && @writes
        @reads = @writes = nil
      end
    end

    # @return [Boolean] whether both sides are closed
    def closed? = !@reads && !@writes

    # @return [Boolean] whether the client has left, as far as can be seen
    def client_gone? = @request.client_gone?

    # The body's `call` has returned. Only now does the answer end that it has closed: had it raised, the client would
    # have to see that the answer is not whole, whatever an `ensure` has closed.
    #
    # @api private
    # @return [Boolean] whether the answer has come to its end: else the app goes on with it
    # @raise (see #close_write)
    # @raise [ClientDisconnected] when nobody is there to read it
    def end_call
      @lock.synchronize do
        @called = false
        @writes ? Native::Exchange.leave_worker(@request) : finish
        !@writes
      end
    end

    # What is to be done once the app has closed it.
    #
    # @api private
    # @yieldparam error [Exception, nil] why the answer is not whole
    # @return [Boolean] false when it is closed already
    def on_end(&callback)
      @lock.synchronize { @on_end = callback unless @ended }
      !@on_end.nil?
    end

    # The body's `call` has raised: nothing more can be written. Where nothing has been sent, another answer can be.
    #
    # @api private
    # @return [void]
    def break_off
      @lock.synchronize do
        Native::Exchange.retract(@request) || Native::Exchange.abort(@request)
        @reads = @writes = nil
        @ended = true
      end
    end

    private

    def written
      raise IOError, "the stream's writing side is closed" unless @writes

      @request
    end

    def close_sides
      @lock.synchronize do
        yield
        finish unless @writes || @called
      end
      nil
    rescue ClientDisconnected
      nil # as with any socket, who closes it is not interested in that
    ensure
      call_back
    end

    def finish
      return if @ended

      Native::Exchange.finish(@request, @env["kino.response_trailers"])
      @ended = true
    rescue Exception => error
      cut_off(error)
      raise
    end

    def cut_off(error)
      return if @ended

      @ended = true
      @error = error
      Native::Exchange.abort(@request)
    end

    def call_back
      callback = @lock.synchronize { @on_end.tap { @on_end = nil } if @ended }
      callback&.call(@error)
    end
  end
end
