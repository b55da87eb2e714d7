# frozen_string_literal: true

module Racy
  # A thread serves many requests. What one of them leaves in Thread.current, the next one finds.
  class User
    def self.call(env)
      name = env["QUERY_STRING"][/\bname=(\w+)/, 1]
      Thread.current[:user] = name if name
      env["races.hold"].call
      [200, { "content-type" => "text/plain" }, ["hello, #{Thread.current[:user] || "stranger"}\n"]]
    end
  end
end
