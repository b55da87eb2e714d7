# frozen_string_literal: true

RSpec.describe "Stopping a server" do
  each_mode do
    let(:entered) { Channel.new }
    let(:go_on) { Channel.new }

    # Requests for / wait until they are told to go on, all others are answered at once.
    let(:app) do
      entered, go_on = self.entered, self.go_on
      shareable do
        lambda do |env|
          if env["PATH_INFO"] == "/"
            entered << true
            go_on.pop
          end
          [200, {}, [env["PATH_INFO"]]]
        end
      end
    end

    # Yields a server on its way to a stop, and the thread that stops it, while one request is in the app.
    def while_stopping(**settings)
      serve(app, **settings) do |server|
        url = server.url
        RawClient.open(url) do |client|
          client.write(RawClient.message("GET", "/"))
          take(entered)
          stopping = Thread.new { server.stop }
          eventually("new connections are refused") { refused?(url) }
          yield client, stopping, server
        ensure
          10.times { go_on << true }
        end
      end
    end

    def refused?(url)
      RawClient.open(url).close
      false
    rescue Errno::ECONNREFUSED
      true
    end

    it "refuses new connections, finishes what runs with connection: close, and says so" do
      while_stopping do |client, stopping, server|
        expect([stopping.alive?, server.running?]).to eq([true, true])
        go_on << true
        response = client.read_response
        expect([response.status, response["connection"], response.body]).to eq([200, "close", "/"])
        expect(client).to be_closed
        expect([stopping.value, server.running?]).to eq([true, false])
      end
    end

    it "closes connections that are idle" do
      serve(app) do |server|
        idle = Array.new(10) { RawClient.open(server.url) }
        idle.first(5).each { |client| expect(client.get("/idle").status).to eq(200) }
        expect(server.stop).to be(true)
        expect(idle).to all(be_closed)
      end
    end

    it "finishes a body that is being sent" do
      entered, go_on = self.entered, self.go_on
      app = shareable do
        lambda do |_|
          body = Bodies::Each.new("first ") do |out|
            entered << true
            go_on.pop
            out.call("last")
          end
          [200, {}, body]
        end
      end
      serve(app) do |server|
        RawClient.open(server.url) do |client|
          url = server.url
          client.write(RawClient.message("GET", "/")).read_head
          take(entered)
          stopping = Thread.new { server.stop }
          eventually("new connections are refused") { refused?(url) }
          go_on << true
          expect([client.read_chunks, client.closed?, stopping.value]).to eq(["first last", true, true])
        end
      end
    end

    it "lets a client finish the head that it is sending" do
      serve(app) do |server|
        url = server.url
        client = RawClient.open(url).write("GET /head HTTP/1.1\r\nHost: x\r\n")
        stopping = Thread.new { server.stop }
        eventually("new connections are refused") { refused?(url) }
        expect(client.readable?(1.5)).to be(false)
        response = client.write("\r\n").read_response
        expect([response.status, response["connection"], response.body]).to eq([200, "close", "/head"])
        expect(stopping.value).to be(true)
      end
    end

    it "finishes a large answer to a client that reads slowly" do
      content = Random.bytes(20_000_000).freeze
      serve(shareable { ->(_) { [200, {}, [content]] } }) do |server|
        RawClient.open(server.url) do |client|
          url = server.url
          client.write(RawClient.message("GET", "/")).read_head
          stopping = Thread.new { server.stop }
          eventually("new connections are refused") { refused?(url) }
          expect(client.read_to_end == content).to be(true)
          expect(stopping.value).to be(true)
        end
      end
    end

    it "gives up after the timeout, and tells" do
      serve(app, shutdown_timeout: 0.5) do |server, log|
        RawClient.open(server.url) do |client|
          client.write(RawClient.message("GET", "/"))
          take(entered)
          expect(server.stop).to be(false)
          expect(server.aborted).to match([%r{\AGET /, for \d+\.\d s\z}])
          expect(client.read_to_end).not_to include("200 OK")
          expect(server.running?).to be(false)
          log.allow
        end
      end
    end

    it "may be asked for twice, and at the same time" do
      while_stopping do |client, first, server|
        second = Thread.new { server.stop }
        go_on << true
        expect(client.read_response.status).to eq(200)
        expect([first.value, second.value, server.stop]).to eq([true, true, true])
      end
    end

    it "may be asked for before a start" do
      expect(server_of(app, **Serving::SETTINGS).stop).to be(true)
    end

    it "may be asked for by the app itself, whose request is finished, too" do
      not_of_processes "the app has no server there but the one that its process runs"
      only_in(:threaded, "a server belongs to the ractor that has made it")
      server = nil
      stopping = ->(_) { [200, {}, ["goodbye #{server.stop}"]] }
      serve(stopping) do |started|
        server = started
        RawClient.open(server.url) { |client| expect(client.get("/stop").body).to eq("goodbye false") }
        eventually("the server has stopped") { !server.running? }
      end
    end

    it "calls on_drain before it waits, whatever that raises" do
      busy = BusyApp.new
      told = Channel.new
      hooks = [-> { raise "in a hook" },
               lambda do
                 told << :draining
                 busy.go_on
               end]
      serve(busy, on_drain: hooks) do |server, log|
        client = busy.occupy(server)
        expect(server.stop).to be(true)
        expect([take(told), client.read_response.body]).to eq([:draining, "/wait"])
        log.wait_for(/in a hook/)
      end
    end

    it "waits for an on_drain that does not return as long as for requests" do
      serve(Probes::Echo, on_drain: -> { sleep }, shutdown_timeout: 0.5) do |server|
        expect(server.stop).to be(false)
        expect(server.running?).to be(false)
      end
    end

    it "does not call on_drain for a stop at once" do
      told = Channel.new
      serve(Probes::Echo, on_drain: -> { told << true }) do |server|
        server.stop!
        expect(told).to be_empty
      end
    end
  end
end
