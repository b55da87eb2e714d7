# frozen_string_literal: true

require "socket"

# systemd's side of sd_notify: a socket that is told how a server is, and what it was told, by whom.
class FakeServiceManager
  DEADLINE = 30

  # A message: who has sent it, as the kernel says, and what.
  Message = Data.define(:pid, :text) do
    def [](name) = text[/^#{name}=(.*)$/, 1]
  end

  attr_reader :messages

  # At a path, or at @name.
  def initialize(address)
    @address = address
    @socket = Socket.new(:UNIX, :DGRAM)
    @socket.bind(Socket.sockaddr_un(address.sub(/\A@/, "\0")))
    @socket.setsockopt(:SOCKET, :PASSCRED, true)
    @messages = []
    @lock = Mutex.new
    @came = ConditionVariable.new
    @reader = Thread.new { read }
  end

  # What it starts a service with.
  def env(watchdog: nil, pid: nil)
    { "NOTIFY_SOCKET" => @address, "WATCHDOG_USEC" => watchdog && (watchdog * 1_000_000).round.to_s,
      "WATCHDOG_PID" => pid&.to_s }
  end

  # Waits for a message of that name, and value if any; those before it are passed over from then on.
  def wait_for(name, value = nil)
    @lock.synchronize do
      until (index = @messages.index { |one| value ? one[name] == value : one[name] })
        @came.wait(@lock, DEADLINE) || raise("#{name}=#{value} was not told, but #{@messages.map(&:text).inspect}")
      end
      @messages.shift(index + 1).last
    end
  end

  # All that has come and was not waited for.
  def heard = @lock.synchronize { @messages.dup }

  # Has what has come until now passed over.
  def forget = @lock.synchronize { @messages.clear }

  def close
    @reader.kill.join
    @socket.close
  end

  private

  def read
    loop do
      text, _, _, credentials = @socket.recvmsg
      pid = credentials.data.unpack1("i")
      @lock.synchronize do
        @messages << Message.new(pid, text)
        @came.broadcast
      end
    end
  end
end
