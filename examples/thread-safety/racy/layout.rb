# frozen_string_literal: true

module Racy
  # What a request chooses is kept in its class, where the next request chooses anew before this one is done.
  class Layout
    class << self
      attr_accessor :layout

      def call(env)
        self.layout = env["QUERY_STRING"].include?("admin") ? "admin" : "public"
        env["races.hold"].call
        [200, { "content-type" => "text/plain" }, ["the #{layout} page\n"]]
      end
    end
  end
end
