# frozen_string_literal: true

require_relative "../lib/bench/hostile/content"
require_relative "../lib/bench/hostile/heartbeat"

# What bench/hostile asks. A module with a method call can be shared between ractors as it is.
module HostileApp
  PLAIN = { "content-type" => "text/plain" }.freeze
  HELLO = [Bench::Hostile::Content::HELLO].freeze
  BIG = [Bench::Hostile::Content::BIG].freeze

  module_function

  def call(env)
    [200, PLAIN.dup, body(env["PATH_INFO"])]
  end

  def body(path)
    case path
    when "/big" then BIG
    when "/file" then [File.read(__FILE__, HELLO.first.size)]
    when Bench::Hostile::Heartbeat::PATH then [Bench::Hostile::Heartbeat.to_json]
    else HELLO
    end
  end
end

Bench::Hostile::Heartbeat.start

run HostileApp
