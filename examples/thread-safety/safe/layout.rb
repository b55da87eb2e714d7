# frozen_string_literal: true

module Safe
  # What belongs to a request is in an object made for that request.
  class Layout
    def self.call(env) = new(env["QUERY_STRING"].include?("admin") ? "admin" : "public").call(env)

    def initialize(layout)
      @layout = layout
    end

    def call(env)
      env["races.hold"].call
      [200, { "content-type" => "text/plain" }, ["the #{@layout} page\n"]]
    end
  end
end
