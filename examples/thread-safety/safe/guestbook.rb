# frozen_string_literal: true

module Safe
  # The lock lets one look and set; who comes second finds the first one's book.
  class Guestbook
    LOCK = Mutex.new

    class << self
      def call(env)
        name = env["QUERY_STRING"][/\bname=(\w+)/, 1]
        names = LOCK.synchronize do
          @names ||= open_book(env)
          @names << name if name
          @names.join(", ")
        end
        [200, { "content-type" => "text/plain" }, ["#{names}\n"]]
      end

      private

      # It takes its time, as reading a file or connecting to a database does.
      def open_book(env)
        env["races.hold"].call
        []
      end
    end
  end
end
