# frozen_string_literal: true

RSpec.describe "A server's own answer at health_path" do
  each_mode do
    let(:app) { shareable { ->(env) { [200, {}, ["the app's #{env["REQUEST_METHOD"]} #{env["PATH_INFO"]}"]] } } }

    it "says that it is ready, on a connection that goes on, and is counted apart" do
      serve(app, health_path: "/up") do |server|
        eventually("it is ready") { RawClient.open(server.url) { |client| client.get("/up").status } == 200 }
        before = server.stats
        RawClient.open(server.url) do |client|
          answer = client.get("/up?from=balancer")
          expect(answer).to have_attributes(status: 200, body: "ready\n")
          expect(answer["cache-control"]).to eq("no-store")
          expect(client.request("HEAD", "/up")).to have_attributes(status: 200, body: "")
          expect(client.get("/upper").body).to eq("the app's GET /upper")
          expect(client.get("/up").body).to eq("ready\n")
        end
        eventually("all are counted, apart") do
          server.stats.values_at(:health, :requests) == [before[:health] + 3, before[:requests] + 1]
        end
      end
    end

    it "is for GET and HEAD alone" do
      serve(app, health_path: "/up") do |server|
        expect(RawClient.open(server.url) { |client| client.post("/up", "x").body }).to eq("the app's POST /up")
      end
    end

    it "is the app's where nobody asks for it" do
      serve(app) do |server|
        expect(RawClient.open(server.url) { |client| client.get("/up").body }).to eq("the app's GET /up")
      end
    end

    it "ends its connection while the server goes on for a moment before it stops, and says so" do
      serve(app, health_path: "/up", drain_delay: 2) do |server|
        stopping = Thread.new { server.stop }
        answer = eventually("it says so") do
          found = RawClient.open(server.url) { |client| client.get("/up") }
          found if found.status == 503 && found.body.include?("stopping")
        end
        expect(answer["connection"]).to eq("close")
        stopping.value
      end
    end
  end

  each_mode(of_one_process: true) do
    it "is given while every worker is busy, and says when none takes a request though some wait" do
      busy = BusyApp.new
      serve(busy, health_path: "/up", threads: 1, ready_timeout: 0.2, lint: false) do |server|
        held = [busy.occupy(server), RawClient.open(server.url)]
        expect(RawClient.open(server.url) { |client| client.get("/up").status }).to eq(200)
        held.last.write(RawClient.message("GET", "/other"))
        answer = eventually("it is not ready") do
          found = RawClient.open(server.url) { |client| client.get("/up") }
          found if found.status == 503
        end
        expect(answer.body).to match(/\Anot ready: requests wait, and none was taken for \d+\.\d s\n\z/)
        busy.go_on
        held.each { |client| expect(client.read_response.status).to eq(200) }
        eventually("it is ready again") { RawClient.open(server.url) { |client| client.get("/up").status } == 200 }
        held.each(&:close)
      end
    end
  end
end
