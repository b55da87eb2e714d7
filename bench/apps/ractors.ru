# frozen_string_literal: true

# What bench/ractors asks of each server. A module with a method call can be shared between ractors as it is.
module RactorsApp
  PLAIN = { "content-type" => "text/plain" }.freeze
  HELLO = ["Hello, World!"].freeze
  # Seconds after which an app that should have been ended answers.
  PATIENCE = 20

  module_function

  def call(env)
    case env["PATH_INFO"]
    when "/plaintext" then [200, PLAIN.dup, HELLO]
    when "/cpu" then [200, PLAIN.dup, [fib(20).to_s]]
    when "/closures" then [200, PLAIN.dup, [closures(20).to_s]]
    when "/exit" then Thread.exit
    when "/kill" then end_ractor
    else [404, PLAIN.dup, []]
    end
  end

  def fib(number)
    number < 2 ? number : fib(number - 1) + fib(number - 2)
  end

  # Makes so many Procs, as a router or a chain of filters does.
  def closures(count)
    steps = Array.new(count) { |number| proc { |sum| sum + number } }
    steps.reduce(0) { |sum, step| step.call(sum) }
  end

  # The thread that started this ractor's others; with it they all end.
  def end_ractor
    Thread.main.kill unless Ractor.current == Ractor.main
    sleep PATIENCE
    [200, PLAIN.dup, ["still there\n"]]
  end
end

run RactorsApp
