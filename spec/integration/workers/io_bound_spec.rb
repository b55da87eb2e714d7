# frozen_string_literal: true

RSpec.describe "A request that is marked as I/O bound" do
  each_mode do
    # GET /mark says so in Puma's way, and GET /request in Kino's. Both, and /wait, then wait until they are told to go
    # on.
    let(:app) do
      entered, go_on = self.entered, self.go_on
      shareable do
        lambda do |env|
          path = env["PATH_INFO"]
          marked = case path
                   when "/mark" then env["puma.mark_as_io_bound"]&.call
                   when "/request" then env["kino.request"].mark_as_io_bound
                   end
          entered << path
          go_on.pop unless path == "/"
          [200, {}, [marked.inspect]]
        end
      end
    end

    let(:entered) { Channel.new }
    let(:go_on) { Channel.new }

    # Threads that may be spare stay.
    def serving(app = self.app, **settings, &)
      serve(app, lint: false, workers: 1, threads: 1, thread_idle_timeout: 3600, **settings, &)
    end

    def send_one(server, path) = RawClient.open(server.url).write(RawClient.message("GET", path))

    def finish(*clients)
      clients.each { go_on << true }
      bodies = clients.map { |client| client.read_response.body }
      clients.each(&:close)
      bodies
    end

    def of_threads
      only_in :threaded, "ractors always have as many threads"
      not_of_processes "two have twice as many"
    end

    it "has others served meanwhile by threads besides the most, which leave when it is over" do
      of_threads
      serving(max_io_threads: 2) do |server|
        clients = %w[/mark /request /mark].map { |path| send_one(server, path).tap { take(entered) } }
        expect(server.stats[:threads]).to eq(3)
        last = send_one(server, "/")
        expect(finish(*clients)).to eq(%w[true true true])
        expect(last.read_response.body).to eq("nil")
        last.close
        eventually("there is one again") { server.stats[:threads] == 1 }
        expect(RawClient.open(server.url) { |client| client.get("/").status }).to eq(200)
        expect(server.stats).to include(threads: 1, died: 0, stuck: 0)
      end
    end

    it "makes room for no more than one each" do
      of_threads
      serving(max_io_threads: 5) do |server|
        marked = send_one(server, "/mark").tap { take(entered) }
        others = Array.new(3) { send_one(server, "/wait") }
        take(entered)
        expect(finish(marked, *others)).to eq(%w[true nil nil nil])
        eventually("there is one again") { server.stats[:threads] == 1 }
      end
    end

    it "is none where nobody has marked it" do
      of_threads
      serving(max_io_threads: 2) do |server|
        clients = Array.new(3) { send_one(server, "/wait") }
        expect(finish(*clients)).to eq(%w[nil nil nil])
        expect(server.stats[:threads]).to eq(1)
      end
    end

    it "is nothing without max_io_threads, and in ractors" do
      app = shareable do
        lambda do |env|
          [200, {}, [[env.key?("puma.mark_as_io_bound"), env["kino.request"].mark_as_io_bound].inspect]]
        end
      end
      settings = mode == :ractor ? { max_io_threads: 3 } : {}
      serving(app, **settings) do |server|
        expect(RawClient.open(server.url) { |client| client.get("/").body }).to eq("[false, false]")
      end
    end

    it "is the one that the calling thread serves, or that the object is of, and none when that is over" do
      of_threads
      kept = []
      app = lambda do |env|
        mark, request = env["puma.mark_as_io_bound"], env["kino.request"]
        kept << request
        told = [Thread.new { mark.call }.value, kept.first.mark_as_io_bound]
        env["rack.response_finished"] << ->(*) { kept << request.mark_as_io_bound }
        [200, {}, [told.inspect]]
      end
      serving(app, max_io_threads: 1) do |server|
        RawClient.open(server.url) do |client|
          expect(client.get("/").body).to eq("[false, true]")
          expect(client.get("/").body).to eq("[false, false]")
        end
        expect(Kino.const_get(:IoBound).call).to be(false)
        eventually("both have told") { kept.count(false) == 2 }
      end
    end
  end
end
