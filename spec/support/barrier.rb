# frozen_string_literal: true

require_relative "channel"
require_relative "eventually"
require_relative "raw_client"

# An app that holds every request until `size` of them are inside it at once. Only a server that runs so many at the
# same time ever answers. Any mode can run it.
class Barrier
  # Shorter than a client's, so that it is told.
  DEADLINE = Eventually::DEADLINE / 2

  def initialize(size)
    @size = size
    @inside = Channel.new
    @go_on = Channel.new
    freeze
  end

  # 200 when the barrier opened; 503 when it did not within the deadline.
  def call(_env)
    @inside << true
    [@go_on.pop(timeout: DEADLINE) ? 200 : 503, {}, []]
  end

  # Sends `size` requests at once; the statuses they got.
  def statuses(url)
    opening = Thread.new { open_when_full }
    Eventually.concurrently(@size) { RawClient.open(url) { |client| client.get("/barrier").status } }
  ensure
    opening.kill.join
  end

  # Ready for the next `size` requests.
  def reset
    [@inside, @go_on].each { |channel| channel.pop(timeout: 0) until channel.empty? }
  end

  private

  def open_when_full
    @size.times { @inside.pop || return }
    @size.times { @go_on << true }
  end
end
