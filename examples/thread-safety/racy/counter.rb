# frozen_string_literal: true

module Racy
  # A class variable is one for all threads, and `@@visits += 1` is a read and a write: a visit in between is lost.
  class Counter
    @@visits = 0

    def self.call(env)
      visits = @@visits
      env["races.hold"].call
      @@visits = visits + 1
      [200, { "content-type" => "text/plain" }, ["visit #{@@visits}\n"]]
    end
  end
end
