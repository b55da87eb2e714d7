# frozen_string_literal: true

module Safe
  # A lock makes one step of the read and the write.
  class Counter
    LOCK = Mutex.new
    @@visits = 0

    def self.call(env)
      LOCK.synchronize do
        visits = @@visits
        env["races.hold"].call
        @@visits = visits + 1
        [200, { "content-type" => "text/plain" }, ["visit #{@@visits}\n"]]
      end
    end
  end
end
