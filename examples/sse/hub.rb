# frozen_string_literal: true

require_relative "events"

# Keeps the streams that the app was handed, and writes to all of them on one thread. All else reaches that thread
# through its inbox, so nothing here needs a lock.
class Hub
  # Events that are kept for those who have missed them.
  KEPT = 100
  # What a client is sent first, so that it has the answer's head at once: how long a browser waits to connect again.
  HELLO = "retry: 1000\n\n"
  # What a browser passes over.
  COMMENT = ": still here\n\n"

  # A stream, and the id of the last event that was written to it.
  Client = Struct.new(:stream, :seen)

  # After so many seconds of silence clients are sent a comment, which shows who has left, and keeps proxies from giving
  # up.
  def initialize(heartbeat)
    @heartbeat = heartbeat
    @events = Events.new(KEPT)
    @clients = []
    @inbox = Thread::Queue.new
    Thread.new { run }
  end

  # How many listen.
  def size = @clients.size

  # Takes a stream over. `seen` is the id of the last event that its client has had, or nil.
  def join(stream, seen) = post(Client.new(stream, seen)) || stream.close

  # Sends a message, a String, to all; false when it is too late.
  def say(message) = post(message)

  # Ends all streams. A signal's handler may call this.
  def close = @inbox.close

  private

  def post(arrival)
    @inbox << arrival
    true
  rescue ClosedQueueError
    false
  end

  def run
    until (arrival = @inbox.pop(timeout: @heartbeat)).nil? && @inbox.closed?
      case arrival
      when Client then @clients << arrival if welcome(arrival)
      when String
        @events.add(arrival)
        send_all
      else send_all
      end
    end
    @clients.select! { |client| finish(client) }
  end

  def welcome(client)
    client.seen ||= @events.last
    update(client, HELLO + @events.after(client.seen))
  end

  # Everyone gets all that they have not seen yet, which is nearly always the same; or the comment.
  def send_all
    parts = Hash.new do |known, seen|
      part = @events.after(seen)
      known[seen] = part.empty? ? COMMENT : part
    end
    @clients.select! { |client| update(client, parts[client.seen]) }
  end

  # Never waits. A client that is slow is passed over: it gets what it has missed with a later event. One for whom some
  # of that is gone by then loses its connection, and a browser connects again. False for it, and for one that has left.
  def update(client, part)
    return drop(client, "the client has left") if client.stream.client_gone?

    if client.stream.write_nonblock(part, exception: false) != :wait_writable
      client.seen = @events.last
    elsif @events.lost?(client.seen)
      return drop(client, "the client is too slow")
    end
    true
  rescue Kino::ClientDisconnected => error
    drop(client, error.message)
  end

  # Whoever would have to be waited for is left to connect again.
  def finish(client)
    written = client.stream.write_nonblock(COMMENT, exception: false)
    written == :wait_writable ? drop(client, "the client is slow") : client.stream.close
  rescue Kino::ClientDisconnected => error
    drop(client, error.message)
  end

  # With a reason, the answer counts as one that isn't whole, and nothing waits for the client.
  def drop(client, why)
    client.stream.close(IOError.new(why))
    false
  end
end
