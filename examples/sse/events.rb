# frozen_string_literal: true

# The last events that were said, for clients that have missed some: each as it is sent, with its id.
class Events
  # The newest event's id.
  attr_reader :last

  # Keeps so many. Ids go on from the time of the start, so that those of an earlier run are older than all of them.
  def initialize(size)
    @size = size
    @last = (Time.now.to_f * 1000).to_i
    @kept = []
  end

  def add(message)
    @last += 1
    @kept << "id: #{@last}\n#{message.lines.map { |line| "data: #{line.chomp}\n" }.join}\n"
    @kept.shift if @kept.size > @size
  end

  # All that came after the event with that id, as far as it is still there.
  def after(id) = @kept.last((@last - id).clamp(0, @kept.size)).join

  # Whether some of that is gone.
  def lost?(id) = @last - id > @kept.size
end
