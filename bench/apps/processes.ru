# frozen_string_literal: true

# What bench/processes asks: who answers, and the same after some 5 ms of CPU. A module with a method call can be shared
# between ractors as it is.
module ProcessesApp
  PLAIN = { "content-type" => "text/plain" }.freeze
  HELLO = ["Hello, World!"].freeze

  module_function

  def call(env)
    case env["PATH_INFO"]
    when "/plaintext" then [200, PLAIN.dup, HELLO]
    when "/busy"
      fib(24)
      [200, PLAIN.dup, [Process.pid.to_s]]
    else [200, PLAIN.dup, [Process.pid.to_s]]
    end
  end

  def fib(number)
    number < 2 ? number : fib(number - 1) + fib(number - 2)
  end
end

run ProcessesApp
