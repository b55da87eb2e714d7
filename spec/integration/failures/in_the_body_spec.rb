# frozen_string_literal: true

RSpec.describe "A failure after the app has answered" do
  failures = shareable do
    {
      "an Exception" => -> { raise Exception, "boom" },
      "SystemExit" => -> { exit 3 },
      "throwing to nobody" => -> { throw :nobody },
      "ending the thread" => -> { Thread.exit }
    }
  end
  places = shareable do
    {
      "each" => ->(failure, _) { [200, {}, Bodies::Each.new("one", &failure)] },
      "call" => ->(failure, _) { [200, {}, Bodies::Called.new("one", &failure)] },
      "close" => lambda do |failure, _|
        body = Bodies::Each.new("one")
        body.define_singleton_method(:close, &failure)
        [200, {}, body]
      end,
      "response_finished" => lambda do |failure, env|
        env["rack.response_finished"] << ->(*) { failure.call }
        [200, {}, ["one"]]
      end
    }
  end

  each_mode do
    failures.each do |what, fail_now|
      places.each do |where, answer|
        it "by #{what}, in #{where}, is logged and loses no worker" do
          barrier = Barrier.new(4)
          app = shareable do
            ->(env) { env["PATH_INFO"] == "/barrier" ? barrier.call(env) : answer.call(proc { fail_now.call }, env) }
          end
          serve(app, lint: false, workers: 2, threads: 2) do |server, log|
            request = RawClient.message("GET", "/fail", { "connection" => "close" })
            6.times { RawClient.open(server.url) { |client| client.write(request).read_to_end } }
            expect(barrier.statuses(server.url)).to eq([200] * 4)
            log.wait_for(/./)
          end
        end
      end
    end
  end
end
