# frozen_string_literal: true

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

  # What is known of where a request is: of a thread in a ractor, nothing.
  def place = mode == :ractor ? "at nowhere, of nothing" : "at overdue_spec.rb:5, of /sleep"

  each_mode(of_one_process: true) do
    it "tells of one that got a 504, with where it is, once, though a hook fails" do
      stops_at_once
      serve(app, request_timeout: 0.2, on_error: [raising, hook]) do |server, log|
        RawClient.open(server.url) { |client| expect(client.get("/sleep?secret").status).to eq(504) }
        text = log.wait_for(/^told: /)
        expect(text).to include("told: Kino::RequestTimeoutError, the app has not begun to answer GET /sleep within " \
                                "0.2 s (request_timeout); its client got a 504, #{place}\n")
        expect(text).to include("the hook fails")
        RawClient.open(server.url) { |client| expect(client.get("/").status).to eq(200) } unless mode == :ractor
        sleep 1
        expect(log.text.scan("told: ").size).to eq(1)
        server.stop!
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
