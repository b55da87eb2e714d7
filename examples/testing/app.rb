# frozen_string_literal: true

# The app that is tested: it greets, and fails where nobody has thought of it.
module Greeter
  def self.call(env)
    name = env["QUERY_STRING"][/\Aname=(\w+)\z/, 1]
    case env["PATH_INFO"]
    when "/" then [200, { "content-type" => "text/html" }, ["<h1>Hello, #{name || "you"}</h1><a href='/bye'>Leave</a>"]]
    when "/bye" then [200, { "content-type" => "text/html" }, ["<h1>Goodbye</h1>"]]
    when "/age" then [200, { "content-type" => "text/plain" }, [Integer(name).to_s]]
    else [404, { "content-type" => "text/plain" }, ["Nothing here\n"]]
    end
  end
end
