# frozen_string_literal: true

require "zlib"

# What bench/processes asks: who answers, and the same after some 5 ms of CPU. Those are spent outside of Ruby's lock,
# so that threads of one process, which take requests from one queue, use as many cores as processes do.
module ProcessesApp
  PLAIN = { "content-type" => "text/plain" }.freeze
  HELLO = ["Hello, World!"].freeze
  WORK = Random.new(1).bytes(70_000).unpack1("H*").freeze

  module_function

  def call(env)
    case env["PATH_INFO"]
    when "/plaintext" then [200, PLAIN.dup, HELLO]
    when "/busy"
      Zlib.deflate(WORK)
      [200, PLAIN.dup, [Process.pid.to_s]]
    else [200, PLAIN.dup, [Process.pid.to_s]]
    end
  end
end

run ProcessesApp
