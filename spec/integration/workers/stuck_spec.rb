# frozen_string_literal: true

RSpec.describe "A worker that is stuck" do
  each_mode do
    let(:entered) { Channel.new }
    let(:go_on) { Channel.new }

    # GET / is answered at once, all else once it is told to go on.
    let(:app) do
      entered, go_on = self.entered, self.go_on
      shareable do
        lambda do |env|
          if env["PATH_INFO"] != "/"
            entered << true
            env["PATH_INFO"] == "/busy" ? (nil while go_on.empty?) : go_on.pop
          end
          [200, {}, [env["PATH_INFO"]]]
        end
      end
    end

    let(:settings) { { workers: 1, threads: 1, stuck_timeout: 0.3, queue_timeout: 60 } }

    # A client whose request is in the app.
    def inside(server, path)
      client = RawClient.open(server.url).write(RawClient.message("GET", path))
      take(entered)
      client
    end

    def get(server) = RawClient.open(server.url) { |client| client.get("/").body }

    %w[/waits /busy].each do |path|
      it "is reported and quarantined, another serves in its place, and its own answer still arrives (#{path})" do
        serve(app, **settings) do |server, log|
          client = inside(server, "#{path}?token=secret")
          told = log.wait_for(/^kino: .* quarantined.*\n/)
          expect(told).to match(
            /\Akino: a worker has been at GET #{path} for \d+\.\d s \(stuck_timeout 0\.3\): quarantined, .* place\n\z/
          )
          3.times { expect(get(server)).to eq("/") }
          expect(server.stats).to include(stuck: 1, died: 0)
          expect(server.in_flight).to include(match(/\AGET #{path}, for \d+\.\d s\z/))

          go_on << true
          expect([client.read_response.body, get(server)]).to eq([path, "/"])
          client.close
          expect([log.text, server.stats[:died]]).to eq([told, 0])
        end
      end
    end

    it "is replaced as often as there are workers and no more, until one of them is done" do
      not_of_processes "each counts its own, and the second request is another's"
      serve(app, **settings) do |server, log|
        first = inside(server, "/first")
        log.wait_for(%r{GET /first .* quarantined})
        second = inside(server, "/second")
        log.wait_for(%r{GET /second .*: not replaced: 1 are already})
        waiting = RawClient.open(server.url).write(RawClient.message("GET", "/"))
        go_on << true # to either of the two
        expect(waiting.read_response.body).to eq("/")
        go_on << true
        expect([first, second].map { |client| client.read_response.body }).to eq(%w[/first /second])
        [first, second, waiting].each(&:close)
      end
    end

    it "isn't one that is quick, however many requests it serves" do
      serve(app, **settings) do |server|
        RawClient.open(server.url) do |client|
          since = Process.clock_gettime(Process::CLOCK_MONOTONIC)
          expect(client.get("/").status).to eq(200) while Process.clock_gettime(Process::CLOCK_MONOTONIC) - since < 1
        end
        expect(server.stats[:stuck]).to eq(0)
      end
    end

    it "is not looked for unless stuck_timeout says so" do
      serve(app, **settings, stuck_timeout: nil) do |server|
        expect(Thread.list.map(&:name)).not_to include("kino stuck watch")
        expect(get(server)).to eq("/")
      end
    end

    it "doesn't keep a server from stopping, which gives up its request and names it" do
      serve(app, **settings, shutdown_timeout: 0.5) do |server, log|
        client = inside(server, "/waits")
        log.wait_for(/quarantined/)
        expect(server.stop).to be(false)
        expect(server.aborted).to match([%r{\AGET /waits, for \d+\.\d s\z}])
        client.close
      end
    end
  end
end
