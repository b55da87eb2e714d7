# frozen_string_literal: true

module Rpc
  # One call: the body of its answer, which Kino calls with a stream, and what the service's method is given. Messages
  # are read as they come and leave as they are made, so both sides may talk at once.
  class Call
    # Seconds that a `grpc-timeout` counts in.
    UNITS = { "H" => 3600, "M" => 60, "S" => 1, "m" => 1e-3, "u" => 1e-6, "n" => 1e-9 }.freeze

    # @return [Hash{String => String}] what the client is told after the last message
    attr_reader :trailers

    def initialize(service, method, message, env)
      @service = service
      @method = method
      @message = message
      @env = env
      @trailers = {}
      amount, unit = env["HTTP_GRPC_TIMEOUT"]&.match(/\A(\d{1,8})([HMSmun])\z/)&.captures
      @deadline = now + (amount.to_i * UNITS.fetch(unit)) if unit
    end

    # Kino calls it once the head is due.
    # @param stream [Kino::Stream]
    def call(stream)
      @stream = stream
      stream.flush # a client may wait for the head before it says anything
      outcome = run
      @env["kino.response_trailers"] = { **@trailers, **outcome }
      stream.close
    rescue Kino::ClientDisconnected
      # It has cancelled the call, or its own deadline is over, or its connection.
      @env["rack.errors"].puts("#{@env["PATH_INFO"]}: the client has gone")
      stream.close
    end

    # Messages as they come, until the client has said its last. (Not `each`: a body that has that is no stream.)
    # @yieldparam message
    def each_message
      while (message = read)
        yield message
      end
    end

    # @return [Enumerator] the same
    def messages = to_enum(:each_message)

    # @return the one message of a call that has one
    def message = read || raise(Failure.new(:INTERNAL, "there is no message"))

    # Sends a message; waits while the client takes no more.
    # @return [Call] itself
    def <<(message)
      in_time
      bytes = message.encode
      @stream.write([0, bytes.bytesize].pack("CN") << bytes)
      self
    end

    # @param name [String] in lower case
    # @return [String, nil] what the client has sent beside its messages
    def metadata(name) = @env["HTTP_#{name.upcase.tr("-", "_")}"]

    # @return [Boolean] whether nobody waits for it any more: for a method that computes for long
    def cancelled? = @stream.client_gone?

    private

    # Runs the method, and says what has become of the call.
    def run
      @service.public_send(@method, self)
      Rpc.outcome(:OK)
    rescue Failure => e
      Rpc.outcome(e.status, e.message)
    rescue Kino::ClientError => e
      Rpc.outcome(e.status == 413 ? :RESOURCE_EXHAUSTED : :CANCELLED, e.message)
    rescue Kino::ClientDisconnected
      raise
    rescue StandardError => e
      @env["rack.errors"].puts("#{@env["PATH_INFO"]}: #{e.full_message(highlight: false)}")
      Rpc.outcome(:UNKNOWN, "the service has failed")
    end

    # @return the next message; nil after the last
    def read
      in_time
      head = @stream.read(5) or return
      is_compressed, length = whole(head, 5).unpack("CN")
      raise Failure.new(:UNIMPLEMENTED, "messages are not compressed here") unless is_compressed.zero?
      raise Failure.new(:RESOURCE_EXHAUSTED, "a message has #{LONGEST} bytes at most") if length > LONGEST

      decode(length.zero? ? "" : whole(@stream.read(length), length))
    end

    def whole(bytes, length)
      bytes&.bytesize == length ? bytes : raise(Failure.new(:INTERNAL, "a message that isn't whole"))
    end

    def decode(bytes)
      @message.decode(bytes)
    rescue ArgumentError => e
      raise Failure.new(:INTERNAL, e.message)
    end

    # The client ends a call whose time is over by itself, and may be too far away to say so soon.
    def in_time
      raise Failure.new(:DEADLINE_EXCEEDED, "the time is over") if @deadline && now > @deadline
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
