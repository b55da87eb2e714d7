# frozen_string_literal: true

RSpec.describe "An app that ends its worker" do
  each_mode do
    let(:entered) { Channel.new }
    let(:go_on) { Channel.new }

    # GET /wait waits until it is told to go on, GET /end ends what the block says, everything else is answered at once.
    def app(&ending)
      entered, go_on, end_it = self.entered, self.go_on, shareable(&ending)
      shareable do
        lambda do |env|
          case env["PATH_INFO"]
          when "/wait"
            entered << true
            go_on.pop
          when "/end" then end_it.call
          end
          [200, {}, ["served"]]
        end
      end
    end

    # A client that waits in the app.
    def waiting(server)
      client = RawClient.open(server.url).write(RawClient.message("GET", "/wait"))
      take(entered)
      client
    end

    def get(server, path) = RawClient.open(server.url) { |client| client.get(path) }

    endings = shareable do
      { "Thread.exit" => -> { Thread.exit }, "Thread#kill" => -> { Thread.current.kill },
        "Thread#kill of another" => lambda do
          thread = Thread.current
          Thread.new { thread.kill }
          sleep
        end }
    end
    endings.each do |what, ending|
      it "by #{what} costs that request alone, which is answered with a 500" do
        serve(app { ending }, workers: 1, threads: 2) do |server, log|
          client = waiting(server)
          expect(get(server, "/end").status).to eq(500)
          log.wait_for(%r{an error in the app \(GET /end\): .*the thread that served it was ended})
          expect(get(server, "/").body).to eq("served")
          go_on << true
          expect(client.read_response.body).to eq("served")
          client.close
          eventually("it is counted") { server.stats[:died] == 1 }
        end
      end
    end

    it "time and again has another each time" do
      serve(app { -> { Thread.exit } }, workers: 1, threads: 1) do |server, log|
        log.allow
        10.times { expect([get(server, "/end").status, get(server, "/").status]).to eq([500, 200]) }
        eventually("all are counted") { server.stats[:died] == 10 }
      end
    end

    it "by killing its ractor's main thread costs what that ractor runs, and others go on" do
      only_in(:ractor, "in the main ractor that thread is the whole process")
      serve(app { -> { Thread.main.kill && sleep } }, workers: 2, threads: 1) do |server, log|
        client = waiting(server)
        expect(get(server, "/end").status).to eq(500)
        log.wait_for(/^kino: worker \d died: /)
        5.times { expect(get(server, "/").body).to eq("served") }
        expect(server.stats[:died]).to eq(1)
        go_on << true
        expect(client.read_response.body).to eq("served")
        client.close
      end
    end

    it "by killing its ractor's main thread has all that ran in it answered at once" do
      only_in(:ractor, "in the main ractor that thread is the whole process")
      serve(app { -> { Thread.main.kill && sleep } }, workers: 1, threads: 3) do |server, log|
        clients = Array.new(2) { waiting(server) }
        expect(get(server, "/end").status).to eq(500)
        expect(clients.map { |client| client.read_response.status }).to eq([500, 500])
        clients.each(&:close)
        log.wait_for(/^kino: worker 1 died: /)
        expect(get(server, "/").body).to eq("served")
      end
    end
  end
end
