# frozen_string_literal: true

RSpec.describe "A request past request_timeout" do
  each_mode do
    let(:app) { BusyApp.new }

    %w[/wait /spin].each do |path|
      it "gets 504 while the app is at #{path}; the late answer is dropped, and the worker serves on" do
        serve(app, workers: 1, threads: 1, request_timeout: 0.3, queue_timeout: 60) do |server, log|
          client = app.occupy(server, path)
          response = client.read_response
          expect([response.status, response["connection"], response["retry-after"]]).to eq([504, "close", nil])
          expect(client).to be_closed
          expect(server.stats).to include(request_timeout: 1, timed_out: 1, late: 0, running: 1)
          log.wait_for(/answered with 504: .*\(request_timeout\)/)
          client.close

          app.go_on
          eventually("the late answer is dropped") { server.stats[:late] == 1 }
          expect(RawClient.open(server.url) { |other| other.get("/next").body }).to eq("/next")
          expect(server.stats).to include(request_timeout: 1, late: 1, aborted: 0, died: 0)
        end
      end
    end

    it "gets 504 while it still waits for a worker, and the app never sees it" do
      not_of_processes "another serves it"
      serve(app, workers: 1, threads: 1, request_timeout: 0.5, queue_timeout: 60) do |server, log|
        busy = app.occupy(server)
        RawClient.open(server.url) { |client| expect(client.get("/queued").status).to eq(504) }
        expect(busy.read_response.status).to eq(504)
        log.wait_for(/request_timeout/)
        app.go_on
        expect(RawClient.open(server.url) { |client| client.get("/next").body }).to eq("/next")
        expect([app.entered, app.entered]).to eq(["/next", nil])
        expect(server.stats).to include(request_timeout: 2, late: 1)
        busy.close
      end
    end

    it "whose answer has begun in time may take as long as it likes" do
      go_on = Channel.new
      app = shareable do
        lambda do |_|
          [200, {}, Bodies::Each.new("begun, ") do |part|
            go_on.pop
            part.call("ended")
          end]
        end
      end
      converse(app, request_timeout: 0.2) do |client, server|
        client.write(RawClient.message("GET", "/")).read_head
        expect(client.read_through("begun, \r\n")).to end_with("begun, \r\n")
        sleep 0.4 # past the timeout, which is to have no effect
        go_on << true
        expect(client.read_chunks).to eq("ended")
        expect(server.stats).to include(request_timeout: 0, late: 0)
      end
    end
  end
end
