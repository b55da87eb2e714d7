# frozen_string_literal: true

module Safe
  # Whatever happens, the thread is left as it was found.
  class User
    def self.call(env)
      Thread.current[:user] = env["QUERY_STRING"][/\bname=(\w+)/, 1]
      env["races.hold"].call
      [200, { "content-type" => "text/plain" }, ["hello, #{Thread.current[:user] || "stranger"}\n"]]
    ensure
      Thread.current[:user] = nil
    end
  end
end
