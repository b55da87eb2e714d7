# frozen_string_literal: true

require_relative "events"

# Keeps the streams that the app was handed, and writes to all of them on one thread. Everything else reaches that thread
# through its inbox, so nothing here needs a lock.
class Hub
  # Events that are kept for those that have missed them.
  KEPT = 100
  # Seconds of silence until clients are sent a comment. It shows who has left, and keeps proxies from giving up.
  HEARTBEAT = 15
  # What a client is sent first, so that it has the answer's head at once: how long a browser waits to connect again.
  HELLO = "retry: 1000\n\n"

  # A stream, and the id of the last event that was written to it.
  Client = Struct.new(:stream, :seen)

  def initialize(heartbeat: HEARTBEAT)
    @events = Events.new(KEPT)
    @heartbeat = heartbeat
    @clients = []
    @inbox = Thread::Queue.new
    @thread = Thread.new { run }
  end

  # How many listen.
  def size = @clients.size

  # Takes a stream over. `seen` is the id of the last event its client has had, if it has had any.
  def join(stream, seen) = @inbox << Client.new(stream, seen)

  # Sends a message to all, a String.
  def say(message) = @inbox << message

  # Ends all streams.
  def close
    @inbox.close
    @thread.join
  end

  private

  def run
    loop do
      case (arrival = @inbox.pop(timeout: @heartbeat))
      when Client then welcome(arrival)
      when String then @events.add(arrival) && send_all
      else @inbox.closed? ? break : send_all(": still here\n\n")
      end
    end
    @clients.each { |client| client.stream.close }
  end

  def welcome(client)
    client.seen ||= @events.last
    @clients << client if update(client, HELLO + @events.after(client.seen))
  end

  # Everyone gets what they have not seen, or else the comment.
  def send_all(comment = nil)
    parts = Hash.new do |known, seen|
      part = @events.after(seen)
      known[seen] = part.empty? ? comment : part
    end
    @clients.select! { |client| update(client, parts[client.seen]) }
  end

  # Never waits. A client that is slow is passed over: it gets what it has missed with a later event. One for whom some of
  # that is gone by then loses its connection, and a browser connects again. False for it, and for one that has left.
  def update(client, part)
    return drop(client, "the client has left") if client.stream.client_gone?

    written = client.stream.write_nonblock(part, exception: false)
    return drop(client, "the client is too slow") if written == :wait_writable && @events.lost?(client.seen)

    client.seen = @events.last unless written == :wait_writable
    true
  rescue Kino::ClientDisconnected => error
    drop(client, error.message)
  end

  # With a reason, the answer counts as one that isn't whole, and nothing waits for the client.
  def drop(client, why)
    client.stream.close(IOError.new(why))
    false
  end
end
