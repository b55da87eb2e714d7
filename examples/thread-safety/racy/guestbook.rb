# frozen_string_literal: true

module Racy
  # `||=` looks first and sets later. Two that look at once make a book each, and one of them is lost, names and all.
  class Guestbook
    class << self
      def call(env)
        name = env["QUERY_STRING"][/\bname=(\w+)/, 1]
        names(env) << name if name
        [200, { "content-type" => "text/plain" }, ["#{names(env).join(", ")}\n"]]
      end

      private

      def names(env) = @names ||= open_book(env)

      # It takes its time, as reading a file or connecting to a database does.
      def open_book(env)
        env["races.hold"].call
        []
      end
    end
  end
end
