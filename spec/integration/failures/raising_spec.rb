# frozen_string_literal: true

require "timeout"

RSpec.describe "An app that raises" do
  # An error that resists being told.
  class Unspeakable < StandardError
    def message = raise("no message either")

    def detailed_message(**) = message

    def full_message(**) = message

    def inspect = message
  end

  failures = shareable do
    {
      "a StandardError" => [-> { raise ArgumentError, "boom" }, /ArgumentError.*boom|boom.*ArgumentError/],
      "an Exception" => [-> { raise Exception, "boom" }, /boom/],
      "a NotImplementedError" => [-> { raise NotImplementedError, "boom" }, /NotImplementedError/],
      "a NoMemoryError" => [-> { raise NoMemoryError, "boom" }, /NoMemoryError/],
      "a SystemStackError" => [-> { (deep = -> { deep.call + 1 }).call }, /SystemStackError/],
      "SystemExit, by exit" => [-> { exit 3 }, /SystemExit/],
      "Interrupt" => [-> { raise Interrupt, "boom" }, /Interrupt/],
      "SignalException" => [-> { raise SignalException, "TERM" }, /SignalException|SIGTERM/],
      "StopIteration" => [-> { raise StopIteration, "boom" }, /StopIteration/],
      "an error without a backtrace" => [-> { raise ArgumentError.new("boom"), cause: nil, backtrace: [] }, /boom/],
      "an error with a cause" => [lambda do
        raise "root"
      rescue RuntimeError
        raise ArgumentError, "boom"
      end, /boom/],
      "an error whose message is not text" => [-> { raise "boom \xFF\x00".b }, /boom/],
      "an error that can't be told" => [-> { raise Unspeakable }, /Unspeakable/],
      "a frozen error" => [-> { raise ArgumentError.new("boom").freeze }, /boom|FrozenError/],
      "by throwing to nobody" => [-> { throw :nobody }, /UncaughtThrowError|nobody/],
      "by ending its thread" => [-> { Thread.exit },
                                 /\(GET \S*\): the thread .* was ended in the app's call \(Thread\.exit/]
    }
  end
  threading = shareable do
    {
      "Timeout::Error" => [-> { Timeout.timeout(0.01) { sleep } }, /Timeout::Error/],
      "by raising in its thread from another" => [lambda do
        worker = Thread.current
        Thread.new { worker.raise(IOError, "boom") }.join
        sleep
      end, /boom/]
    }
  end

  each_mode do
    def expect_500s(fail_now, logged)
      barrier = Barrier.new(4)
      app = shareable { ->(env) { env["PATH_INFO"] == "/barrier" ? barrier.call(env) : fail_now.call } }
      serve(app, workers: 2, threads: 2) do |server, log|
        statuses = Array.new(6) { RawClient.open(server.url) { |client| client.get("/fail").status } }
        expect(statuses).to eq([500] * 6)
        expect(barrier.statuses(server.url)).to eq([200] * 4)
        log.wait_for(logged)
      end
    end

    failures.each do |what, (fail_now, logged)|
      # The collector would go through a stack that is full, at each allocation.
      next if Serving::STRESS && what == "a SystemStackError"

      it "#{what}: 500 each time, logged, and no worker is lost" do
        expect_500s(fail_now, logged)
      end
    end

    threading.each do |what, (fail_now, logged)|
      it "#{what}: 500 each time, logged, and no worker is lost" do
        app_starts_threads
        expect_500s(fail_now, logged)
      end
    end

    let(:secretive) { shareable { ->(_) { raise ArgumentError, "a secret" } } }

    it "gets the error's class, message and backtrace into rack.errors, and in production none of it into the answer" do
      converse(secretive, environment: "production") do |client, _, log|
        response = client.get("/path")
        expect(response.status).to eq(500)
        expect([response.body, *response.fields.flatten].join).not_to match(/secret|ArgumentError|\.rb/)
        expect(log.wait_for(/raising_spec\.rb:\d+/)).to include("ArgumentError", "a secret")
      end
    end

    it "tells the client too, in development" do
      converse(secretive, environment: "development") do |client, _, log|
        expect(client.get("/path").body).to match(/raising_spec\.rb:\d+/).and include("ArgumentError", "a secret")
        log.wait_for(/a secret/)
      end
    end
  end
end
