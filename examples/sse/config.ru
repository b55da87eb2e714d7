# frozen_string_literal: true

require_relative "hub"

# Server-Sent Events: who asks for /events hears all that anyone says.
module SSE
  HUB = Hub.new(Float(ENV.fetch("HEARTBEAT", "15")))
  PAGE = File.read(File.join(__dir__, "index.html"))
  # Bytes that a message may have.
  LONGEST = 10_000

  def self.call(env)
    case [env["REQUEST_METHOD"], env["PATH_INFO"]]
    in ["GET" | "HEAD", "/"] then answer(200, PAGE, "text/html")
    in ["GET", "/events"]    then events(env)
    in ["POST", "/say"]      then say(env)
    in ["GET", "/listeners"] then answer(200, "#{HUB.size}\n")
    in [_, path]             then answer(404, "Nothing at #{path}; try /, /events, /listeners or /say (POST)\n")
    end
  end

  # The body is called with a stream. It leaves that to the hub and returns, so no thread of Kino's waits for it.
  def self.events(env)
    seen = Integer(env["HTTP_LAST_EVENT_ID"].to_s, 10, exception: false)
    headers = { "content-type" => "text/event-stream", "cache-control" => "no-store" }
    [200, headers, ->(stream) { HUB.join(stream, seen) }]
  end

  def self.say(env)
    message = String.new(env["rack.input"].read(LONGEST + 1).to_s, encoding: Encoding::UTF_8).scrub.strip
    return answer(400, "Say something\n") if message.empty?
    return answer(413, "Say it in #{LONGEST} bytes\n") if message.bytesize > LONGEST

    HUB.say(message) ? answer(202, "Said\n") : answer(503, "Nobody listens any more\n")
  end

  def self.answer(status, text, type = "text/plain")
    [status, { "content-type" => "#{type}; charset=utf-8" }, [text]]
  end
end

run SSE
