# frozen_string_literal: true

require "socket"
require_relative "eventually"

# What an app and its example tell each other: a queue of simple values that every ractor may use. It is made in an
# example, and closed for it when that ends.
#
# A Queue belongs to one ractor; what all can share is the number of a descriptor. Each value is one packet, so that
# however many write and read, each reads a whole one.
class Channel
  # Bytes a value may take as Marshal writes it.
  LIMIT = 65_536

  # macOS has no packets in order for a pair of sockets; its datagrams keep their order there, but are not woken by the
  # end.
  PACKETS = RUBY_PLATFORM.include?("darwin") ? :DGRAM : :SEQPACKET
  private_constant :PACKETS

  @sockets = []

  class << self
    # The descriptors of a new channel.
    def open
      pair = UNIXSocket.pair(PACKETS)
      @sockets.concat(pair)
      pair.map(&:fileno)
    end

    # Whoever still waits is woken first. Only after that are the descriptors free to become others'.
    def close_all
      @sockets.each(&:shutdown)
      @sockets.each(&:close).clear
    end
  end

  def initialize
    @out, @in = self.class.open
    freeze
  end

  def <<(value)
    bytes = Marshal.dump(value)
    raise ArgumentError, "#{bytes.bytesize} bytes are too many for a channel (#{LIMIT})" if bytes.bytesize > LIMIT

    io(@in).write(bytes)
    self
  end

  # The next value; nil when none has come within `timeout` seconds.
  def pop(timeout: Eventually::DEADLINE)
    deadline = now + timeout
    io = io(@out)
    loop do
      return unless io.wait_readable([deadline - now, 0].max)

      bytes = io.read_nonblock(LIMIT, exception: false)
      return bytes && Marshal.load(bytes) unless bytes == :wait_readable # another was faster
    end
  end

  def empty? = !io(@out).wait_readable(0)

  private

  # An IO belongs to its ractor, too.
  def io(number)
    io = IO.for_fd(number, "r+b", autoclose: false)
    io.sync = true
    io
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
