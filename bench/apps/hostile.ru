# frozen_string_literal: true

require_relative "../lib/bench/hostile/content"

# What bench/hostile asks. A module with a method call can be shared between ractors as it is.
module HostileApp
  PLAIN = { "content-type" => "text/plain" }.freeze
  HELLO = [Bench::Hostile::Content::HELLO].freeze
  BIG = [Bench::Hostile::Content::BIG].freeze

  module_function

  # No client of the bench ends the body of a POST, so none gets here.
  def call(env)
    [200, PLAIN.dup, env["PATH_INFO"] == "/big" ? BIG : HELLO]
  end
end

run HostileApp
