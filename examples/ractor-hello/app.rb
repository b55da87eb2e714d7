# frozen_string_literal: true

require "json"
require_relative "router"
require_relative "tally"

# A Rack app that ractors can share: a module is shareable, and so are its constants. What changes while it serves is
# kept in each ractor by itself.
module RactorHello
  ROUTES = Router.new(self, "GET /" => :home, "GET /fib/:n" => :fib, "POST /sum" => :sum, "GET /visits" => :visits)

  # Larger ones would keep a ractor for seconds.
  LARGEST_FIB = 30

  class << self
    def call(env) = ROUTES.call(env) || text(404, "Nothing here; try /, /fib/20, /visits or POST /sum\n")

    def home(_env) = text(200, "Hello from the ractor #{ractor}\n")

    # Something to compute: with two ractors, two at once.
    def fib(_env, given)
      number = Integer(given, 10, exception: false)
      return text(400, "Write a number from 0 to #{LARGEST_FIB}\n") unless number&.between?(0, LARGEST_FIB)

      json(n: number, fib: fibonacci(number), ractor: ractor)
    end

    # Adds the numbers of a JSON array.
    def sum(env)
      numbers = JSON.parse(env["rack.input"].read)
      return text(400, "Write a JSON array of numbers\n") unless numbers.is_a?(Array) && numbers.all?(Numeric)

      json(sum: numbers.sum)
    rescue JSON::ParserError
      text(400, "That is no JSON\n")
    end

    # Counts this ractor's visits, each ractor for itself.
    def visits(_env) = json(visits: Tally.mine.add, ractor: ractor)

    # Workers' ractors have names; the main one, where mode :threaded serves, has none.
    def ractor = Ractor.current.name || "main"

    private

    def text(status, text) = [status, { "content-type" => "text/plain; charset=utf-8" }, [text]]

    def json(value) = [200, { "content-type" => "application/json" }, [JSON.generate(value)]]

    def fibonacci(number) = number < 2 ? number : fibonacci(number - 1) + fibonacci(number - 2)
  end
end
