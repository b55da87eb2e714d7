# frozen_string_literal: true

RSpec.describe "Stopping a server at once" do
  each_mode do
    before { stops_at_once }

    let(:entered) { Channel.new }

    # Stops a server while a request is where `app` puts it, and answers what the client got.
    def stop_while(app, ask = RawClient.message("GET", "/"))
      serve(app) do |server, log|
        log.allow
        RawClient.open(server.url) do |client|
          client.write(ask)
          take(entered)
          server.stop!
          expect(server.running?).to be(false)
          client.read_to_end
        end
      end
    end

    # An app whose requests wait, for ever.
    let(:waiting) do
      entered = self.entered
      shareable do
        lambda do |_|
          entered << true
          Queue.new.pop
        end
      end
    end

    it "ends a request that waits" do
      expect(stop_while(waiting)).to match(%r{\AHTTP/1.1 503 .*connection: close.*the server is stopping}m)
    end

    it "answers those that no worker has taken, too" do
      serve(waiting, workers: 1, threads: 1) do |server, log|
        log.allow
        clients = Array.new(3) { RawClient.open(server.url).write(RawClient.message("GET", "/")) }
        take(entered)
        eventually("all have come") { server.stats[:connections] == 3 }
        server.stop!
        expect(clients.map { |client| client.read_response.status }).to eq([503, 503, 503])
        clients.each(&:close)
      end
    end

    it "ends a request that computes" do
      entered = self.entered
      app = shareable do
        lambda do |_|
          entered << true
          loop {}
        end
      end
      expect(stop_while(app)).not_to include("200 OK")
    end

    { "each" => Bodies::Each, "call" => Bodies::Called }.each do |kind, body_class|
      it "ends a body that is being sent to a client that does not read, by #{kind}" do
        entered, told, part = self.entered, Channel.new, ("x" * 1_000_000).freeze
        app = shareable do
          lambda do |_|
            body = body_class.new(told: told) do |out|
              entered << true
              loop { kind == "call" ? out.write(part) : out.call(part) }
            end
            [200, {}, body]
          end
        end
        expect(stop_while(app)).not_to end_with("0\r\n\r\n")
        expect(Bodies.calls(told)).to eq([kind.to_sym, :close])
      end
    end

    it "closes idle connections" do
      serve(Probes::Echo) do |server|
        client = RawClient.open(server.url)
        expect(client.post("/", "x").status).to eq(200)
        server.stop!
        expect(client).to be_closed
      end
    end
  end
end
