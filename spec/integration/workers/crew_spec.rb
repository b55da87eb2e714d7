# frozen_string_literal: true

require_relative "../../support/control_socket"

RSpec.describe "A server with a least and a most of threads" do
  include ControlSocket

  each_mode do
    before { only_in :threaded, "ractors always have as many threads" }

    let(:busy) { BusyApp.new }

    # Threads never rest, unless an example is about that.
    def serving(app = busy, threads: 1..4, thread_idle_timeout: 3600, **settings, &)
      serve(app, threads: threads, thread_idle_timeout: thread_idle_timeout, **settings, &)
    end

    # Waits until so many requests are in the app.
    def enter(number) = Array.new(number) { eventually("one more is in the app") { busy.entered } }

    def send_all(server, number, path = "/wait")
      Array.new(number) { RawClient.open(server.url).write(RawClient.message("GET", path)) }
    end

    def finish(clients)
      clients.each { busy.go_on }
      statuses = clients.map { |client| client.read_response.status }
      clients.each(&:close)
      statuses
    end

    # In all processes.
    def threads(server) = server.stats[:threads]

    def eventually_threads(server, number)
      eventually("there are #{number} threads in each process") { threads(server) == number * copies }
    end

    it "starts with the least" do
      serving(threads: 2..4) do |server|
        eventually_threads(server, 2)
        RawClient.open(server.url) { |client| 50.times { expect(client.get("/").status).to eq(200) } }
        expect(threads(server)).to eq(2 * copies)
      end
    end

    it "has as many as requests wait for something outside of Ruby, up to the most, without losing one" do
      not_of_processes "two have twice as many"
      serving do |server|
        clients = send_all(server, 6)
        enter(4)
        expect(threads(server)).to eq(4)
        expect(finish(clients)).to eq([200] * 6)
        expect(threads(server)).to eq(4)
      end
    end

    it "answers requests that all wait for each other" do
      barrier = Barrier.new(16 * copies)
      serving(barrier, threads: 1..(16 * copies)) do |server|
        expect(barrier.statuses(server.url)).to eq([200] * 16 * copies)
      end
    end

    it "has no more while requests compute, however many wait" do
      computing = shareable { ->(_) { [200, {}, [Array.new(200_000) { |number| number.to_s.sum }.sum.to_s]] } }
      serving(computing) do |server|
        eventually_threads(server, 1)
        clients = send_all(server, 8, "/")
        # The last one first: nothing of this process is to want Ruby's lock meanwhile, which would end time slices.
        expect(clients.reverse.map { |client| client.read_response.status }).to eq([200] * 8)
        clients.each(&:close)
        expect(threads(server)).to eq(copies)
      end
    end

    it "has another where one request computes for long, and one waits" do
      not_of_processes "the other would take it"
      serving(threads: 2..4) do |server|
        clients = [busy.occupy(server, "/wait"), busy.occupy(server, "/spin")]
        expect(RawClient.open(server.url) { |client| client.get("/").body }).to eq("/")
        expect(finish(clients)).to eq([200, 200])
      end
    end

    it "has another where the one waits for a slow client" do
      not_of_processes "the other would take it"
      parts = shareable { Class.new { def each = 100.times { yield "x" * 1_000_000 } } }
      app = shareable { ->(env) { [200, {}, env["PATH_INFO"] == "/" ? ["quick"] : parts.new] } }
      serving(app, lint: false) do |server|
        slow = RawClient.open(server.url).write(RawClient.message("GET", "/slow"))
        eventually("it is in the app") { server.stats[:running] == 1 }
        3.times { expect(RawClient.open(server.url) { |client| client.get("/").body }).to eq("quick") }
        slow.close
      end
    end

    it "ends those that have had nothing to do for long, one after the other, and starts others later" do
      barrier = Barrier.new(4 * copies)
      serving(barrier, threads: 1..(4 * copies), thread_idle_timeout: 0.2) do |server|
        3.times do
          expect(barrier.statuses(server.url)).to eq([200] * 4 * copies)
          barrier.reset
          eventually_threads(server, 1)
        end
        expect(server.stats).to include(died: 0, stuck: 0)
      end
    end

    it "loses no request while threads come and go" do
      serving(threads: 1..8, thread_idle_timeout: 0.1) do |server|
        20.times do |round|
          clients = send_all(server, 1 + (round % 5))
          enter(clients.size)
          expect(finish(clients)).to all(eq(200))
          sleep 0.05
        end
        eventually_threads(server, 1)
      end
    end

    it "calls the hooks once for each worker, not for each thread" do
      told, barrier = Channel.new, Barrier.new(3)
      hooks = shareable { %i[boot stop].to_h { |name| [:"on_worker_#{name}", ->(worker) { told << [name, worker] }] } }
      not_of_processes "two have twice as many"
      serving(barrier, threads: 1..3, thread_idle_timeout: 0.1, **hooks) do |server|
        expect(barrier.statuses(server.url)).to eq([200] * 3)
        eventually_threads(server, 1)
        expect(take(told)).to eq([:boot, 0])
        expect(told).to be_empty
      end
      expect(take(told)).to eq([:stop, 0])
      expect(told).to be_empty
    end

    it "keeps each of several workers" do
      not_of_processes "two have twice as many"
      barrier = Barrier.new(6)
      serving(barrier, workers: 2, threads: 1..3, thread_idle_timeout: 0.1) do |server|
        2.times do
          expect(barrier.statuses(server.url)).to eq([200] * 6)
          barrier.reset
          eventually_threads(server, 2)
        end
      end
    end

    it "starts more while it stops, for what has begun" do
      not_of_processes "two have twice as many"
      serving do |server|
        first = busy.occupy(server)
        begun = send_all(server, 5)
        eventually("all are there") { server.stats[:connections] == 6 }
        stopping = Thread.new { server.stop }
        expect(finish([first, *begun])).to eq([200] * 6)
        expect(stopping.value).to be(true)
      end
    end

    it "stops at once with as many as there are by then" do
      stops_at_once
      serving do |server|
        clients = send_all(server, 6)
        enter(1)
        server.stop!
        expect(server.running?).to be(false)
        clients.each(&:close)
      end
    end

    it "has another in the place of one that the app ends, and lets it go when it has nothing to do" do
      not_of_processes "two have twice as many"
      entered, go_on = Channel.new, Channel.new
      app = shareable do
        lambda do |env|
          entered << true
          go_on.pop
          Thread.exit if env["PATH_INFO"] == "/end"
          [200, {}, []]
        end
      end
      serving(app, threads: 1..3, thread_idle_timeout: 0.2) do |server, log|
        clients = send_all(server, 2) + send_all(server, 1, "/end")
        3.times { take(entered) }
        3.times { go_on << true }
        expect(clients.map { |client| client.read_response.status }).to eq([200, 200, 500])
        clients.each(&:close)
        log.wait_for(/the thread that served it was ended/)
        eventually_threads(server, 1)
        expect(server.stats[:died]).to eq(1)
      end
    end

    it "does all that again when it is started again" do
      not_of_processes "a command's processes are not started again"
      barrier = Barrier.new(3)
      serving(barrier, threads: 1..3) do |server|
        2.times do
          expect(barrier.statuses(server.url)).to eq([200] * 3)
          barrier.reset
          server.stop
          server.start
        end
      end
    end

    it "counts them truthfully at the control socket" do
      barrier = Barrier.new(3 * copies)
      serving(barrier, threads: 1..(3 * copies), thread_idle_timeout: 1, control: control) do |server|
        workers = -> { control_json("/stats")["sum"]["workers"] }
        one = { "all" => copies, "busy" => 0, "idle" => copies, "stuck" => 0 }
        eventually("there is one") { workers.call == one }
        expect(barrier.statuses(server.url)).to eq([200] * 3 * copies)
        eventually("there are more") { workers.call["all"] > copies }
        expect(control_get("/metrics").body).to match(/^kino_workers\{.*state="idle"\} \d+$/)
        eventually("there is one again") { workers.call == one }
      end
    end
  end
end
