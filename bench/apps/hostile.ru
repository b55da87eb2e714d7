# frozen_string_literal: true

require "fiddle"
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

  # Ruby's garbage, and the pages that glibc's allocator keeps between what is still used.
  def collect
    GC.start
    Fiddle::Function.new(Fiddle.dlopen(nil)["malloc_trim"], [Fiddle::TYPE_SIZE_T], Fiddle::TYPE_INT).call(0)
  rescue Fiddle::DLError
    nil # another allocator
  end

  # The heartbeat is to show what the server keeps others from, not for how long an app computes in one go.
  def small_strings(number)
    Array.new(number) do |at|
      Thread.pass if (at % 64).zero?
      +"" << Bench::Hostile::Content::PIECE
    end
  end

  def body(path)
    case path
    when "/big" then BIG
    when "/file" then [File.read(__FILE__, HELLO.first.size)]
    when Bench::Hostile::Heartbeat::PATH then [Bench::Hostile::Heartbeat.to_json]
    when "/small" then small_strings(Bench::Hostile::Content::PIECES)
    when "/own" then small_strings(Bench::Hostile::Content::FEW)
    when "/collect" then HELLO.tap { collect }
    else HELLO
    end
  end
end

Bench::Hostile::Heartbeat.start

run HostileApp
