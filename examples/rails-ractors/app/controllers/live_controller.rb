# frozen_string_literal: true

# Actions that run beside the answer, each in a thread of its own.
class LiveController < ActionController::Base
  include ActionController::Live

  def lines
    response.content_type = "text/plain"
    %w[first second third].each { |line| response.stream.writeln(line) }
  ensure
    response.stream.close
  end

  def events
    response.content_type = "text/event-stream"
    stream = SSE.new(response.stream, event: "tick")
    2.times { |number| stream.write({ number: number }, id: number) }
  ensure
    stream.close
  end
end
