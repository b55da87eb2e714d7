# frozen_string_literal: true

require "json"

RSpec.describe "on_error, of requests that take too long" do
  app = lambda do |env|
    sleep if env["PATH_INFO"] == "/sleep"
    [200, {}, [env["PATH_INFO"]]]
  end
  app = Ractor.make_shareable(app)

  hook = lambda do |error, env|
    place = error.backtrace.find { |line| line.include?("overdue_spec") }.to_s[/overdue_spec.rb:\d+/]
    warn "told: #{error.class}, #{error.message}, at #{place || "nowhere"}, of #{env ? env["PATH_INFO"] : "nothing"}"
  end
  hook = Ractor.make_shareable(hook)
  raising = Ractor.make_shareable(->(_error) { raise "the hook fails" })

  account = Ractor.make_shareable(->(env) { [200, {}, [sleep(env["QUERY_STRING"].to_f).to_s]] })
  user = Ractor.make_shareable(->(_error, env) { warn "told: of #{env ? env["QUERY_STRING"] : "nobody"}" })

  # Has all of Ruby wait for a second or so: no other thread has a turn meanwhile.
  held = lambda do |env|
    3.pow((2**25_000) - 1, (2**25_000) + 1) if env["PATH_INFO"] == "/held"
    [200, {}, ["x"]]
  end

  # What is known of where a request is: of a thread in a ractor, nothing.
  def place = mode == :ractor ? "at nowhere, of nothing" : "at overdue_spec.rb:7, of /sleep"

  each_mode(of_one_process: true) do
    it "tells of one that got a 504, with where it is, once, though a hook fails" do
      stops_at_once
      serve(app, request_timeout: 0.2, on_error: [raising, hook]) do |server, log|
        RawClient.open(server.url) { |client| expect(client.get("/sleep?secret").status).to eq(504) }
        text = log.wait_for(/^told: /)
        expect(text).to include("told: Kino::RequestTimeoutError, the app has not begun to answer GET /sleep within " \
                                "0.2 s (request_timeout); its client got a 504, #{place}\n")
        expect(text).to include("the hook fails")
        expect(text.scan(/^.*GET \/sleep.*RequestTimeoutError/).size).to eq(mode == :ractor ? 0 : 1)
        RawClient.open(server.url) { |client| expect(client.get("/").status).to eq(200) } unless mode == :ractor
        sleep 1
        expect(log.text.scan("told: ").size).to eq(1)
        server.stop!
      end
    end

    it "logs one as a line of JSON where the log has such" do
      stops_at_once
      serve(app, lint: false, request_timeout: 0.2, log_format: :json) do |server, log|
        RawClient.open(server.url) { |client| expect(client.get("/sleep").status).to eq(504) }
        log.wait_for(/"message":"answered with 504: /)
        next server.stop! if mode == :ractor # where that thread is, nobody knows there

        line = log.wait_for(/^.*RequestTimeoutError.*\n/).lines.grep(/RequestTimeoutError/).first
        expect(JSON.parse(line)).to include("error" => "Kino::RequestTimeoutError", "path" => "/sleep",
                                            "backtrace" => include(/overdue_spec\.rb:7/))
        server.stop!
      end
    end

    it "tells of no other request that its worker is at by then" do
      serve(account, workers: 1, threads: 1, request_timeout: 1, on_error: user) do |server, log|
        ask = ->(query) { RawClient.open(server.url) { |client| client.get("/account?#{query}").status } }
        get = ->(query) { Thread.new { ask.call(query) } }
        late = get.("1.02&alice")
        sleep 0.9
        after = get.("0.8&bob")

        expect(late.value).to eq(504)
        all = log.wait_for(/^told: /)
        # Where the machine stood still, the other one was late, too.
        expect(all).not_to include("bob") if after.value == 200
      end
    end

    # Nobody looks while Ruby stands still, and when it goes on, the request is over, or about to be.
    it "tells of one that got a 504 while Ruby stood still, with its env" do
      only_in :threaded, "a ractor that stands still stops no other"
      serve(held, lint: false, request_timeout: 0.2, on_error: hook) do |server, log|
        RawClient.open(server.url) { |client| expect(client.get("/held?secret").status).to eq(504) }
        expect(log.wait_for(/^told: /)).to match(/GET \/held within 0.2 s \(request_timeout\).*, of \/held$/)
        RawClient.open(server.url) { |client| expect(client.get("/").status).to eq(200) }
        expect(log.text.scan("told: ").size).to eq(1)
      end
    end

    it "tells of one whose worker is stuck, with where it is, once" do
      stops_at_once
      serve(app, stuck_timeout: 0.2, on_error: hook) do |server, log|
        RawClient.open(server.url) do |client|
          client.write("GET /sleep HTTP/1.1\r\nhost: x\r\n\r\n")
          text = log.wait_for(/^told: /)
          expect(text).to match(/told: Kino::WorkerStuckError, a worker has been at GET /)
          expect(text).to match(%r{GET /sleep for 0\.\d s \(stuck_timeout 0.2\), #{place}\n})
          log.wait_for(/quarantined, another takes its place/)
        end
        server.stop!
      end
    end
  end
end
