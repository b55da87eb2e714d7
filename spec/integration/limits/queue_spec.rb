# frozen_string_literal: true

require "tmpdir"

RSpec.describe "A request that finds every worker busy" do
  each_mode do
    let(:app) { BusyApp.new }
    let(:one) { { workers: 1, threads: 1 } }

    %w[/wait /spin].each do |path|
      it "gets 503 with retry-after when queue_timeout is over, though #{path} goes on" do
        serve(app, **one, queue_timeout: 0.3) do |server, log|
          busy, *others = Array.new(copies) { app.occupy(server, path) }
          RawClient.open(server.url) do |client|
            response = client.get("/queued")
            expect([response.status, response["retry-after"], response["connection"]]).to eq([503, "1", "close"])
            expect(client).to be_closed
          end
          expect(server.stats).to include(queue_timeout: 1, overloaded: 1, queue_depth: 0, running: copies)
          log.wait_for(%r{503: GET /queued waited 0\.3 s for a worker; 1 is busy for [\d.]+ s with GET #{path} \(})

          copies.times { app.go_on }
          expect([busy, *others].map { |client| client.read_response.body }).to all(eq(path))
          expect(busy.get("/next").body).to eq("/next")
          expect([app.entered, app.entered]).to eq(["/next", nil])
          [busy, *others].each(&:close)
        end
      end
    end

    it "is served when a worker is free before queue_timeout is over" do
      not_of_processes "another serves it"
      serve(app, **one, queue_timeout: 60) do |server|
        busy = app.occupy(server)
        waiting = Array.new(5) { |n| RawClient.open(server.url).write(RawClient.message("GET", "/#{n}")) }
        app.go_on
        expect([busy, *waiting].map { |client| client.read_response.body }).to eq(%w[/wait /0 /1 /2 /3 /4])
        expect(server.stats).to include(overloaded: 0)
        [busy, *waiting].each(&:close)
      end
    end

    it "gets 503 at once when queue_depth others wait already, and they are served all the same" do
      not_of_processes "another serves it"
      serve(app, **one, queue_depth: 2, queue_timeout: 60) do |server, log|
        busy = app.occupy(server)
        clients = Array.new(5) { RawClient.open(server.url) }
        clients.each { |client| client.write(RawClient.message("GET", "/queued")) }
        eventually("three are refused") { server.stats[:queue_depth] == 3 }
        log.wait_for(/answered with 503: .*\(queue_depth\)/)
        app.go_on

        answers = clients.map(&:read_response)
        expect(answers.map(&:status).tally).to eq(200 => 2, 503 => 3)
        expect(answers.select { |answer| answer.status == 503 }.map { |answer| answer["retry-after"] }).to all(eq("1"))
        expect(server.stats).to include(queue_depth: 3, overloaded: 3, queue_timeout: 0)
        expect(busy.read_response.body).to eq("/wait")
        [busy, *clients].each(&:close)
      end
    end

    it "is dropped, and never seen by the app, when its client is known to have left meanwhile" do
      not_of_processes "another serves it"
      Dir.mktmpdir("kino") do |folder|
        serve(app, **one, bind: ["tcp://127.0.0.1:0", "unix://#{folder}/kino.sock"], queue_timeout: 60) do |server|
          busy = app.occupy(server)
          reset, closed = server.urls.map { |url| RawClient.open(url).write(RawClient.message("GET", "/left")) }
          eventually("both are there") { server.stats[:accepted] == 3 }
          sleep 0.3 # only who has waited for a tenth of a second is looked at
          reset.abort
          closed.close
          staying = RawClient.open(server.url).write(RawClient.message("GET", "/staying"))
          eventually("all are there") { server.stats[:accepted] == 4 }
          app.go_on
          expect([busy, staying].map { |client| client.read_response.body }).to eq(%w[/wait /staying])
          expect([app.entered, app.entered]).to eq(["/staying", nil])
          expect(server.stats).to include(gone: 2, overloaded: 0, requests: 2)
          [busy, staying].each(&:close)
        end
      end
    end

    # As `nc -N` does, and clients in the manner of HTTP/1.0.
    it "is served though its client has ended its sending half" do
      Dir.mktmpdir("kino") do |folder|
        serve(app, **one, bind: ["tcp://127.0.0.1:0", "unix://#{folder}/kino.sock"], queue_timeout: 60) do |server|
          busy = app.occupy(server)
          waiting = server.urls.map do |url|
            RawClient.open(url).write(RawClient.message("GET", "/half")).tap(&:close_write)
          end
          eventually("they are there") { server.stats[:accepted] == 3 }
          sleep 0.3 # only who has waited for a tenth of a second is looked at
          app.go_on
          expect([busy, *waiting].map { |client| client.read_response.body }).to eq(%w[/wait /half /half])
          waiting.each { |client| expect(client).to be_closed }
          expect(server.stats).to include(gone: 0, aborted: 0, requests: 3)
          [busy, *waiting].each(&:close)
        end
      end
    end
  end
end
