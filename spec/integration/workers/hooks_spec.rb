# frozen_string_literal: true

RSpec.describe "Workers' hooks" do
  each_mode do
    let(:told) { Channel.new }

    # A hook that tells the worker's number, after a name for itself.
    def telling(name)
      told = self.told
      shareable { ->(worker) { told << [name, worker] } }
    end

    # What has been told so far.
    def all_told
      list = []
      list << told.pop until told.empty?
      list
    end

    it "run once in each worker, with its number: on_worker_boot at first, on_worker_stop at last" do
      settings = { workers: 3, threads: 2, on_worker_boot: telling(:boot), on_worker_stop: telling(:stop) }
      serve(Probes::Echo, **settings) do |server|
        expect(Array.new(3 * copies) { take(told) }).to match_array([[:boot, 0], [:boot, 1], [:boot, 2]] * copies)
        RawClient.open(server.url) { |client| 5.times { client.post("/", "x") } }
        expect(told).to be_empty
      end
      expect(all_told).to match_array([[:stop, 0], [:stop, 1], [:stop, 2]] * copies)
    end

    it "run before the first request is served, and after the last" do
      not_of_processes "both tell the same channel"
      told, go_on = self.told, Channel.new
      booting = shareable do
        lambda do |_|
          told << "boots"
          go_on.pop
          told << "has booted"
        end
      end
      app = shareable do
        lambda do |_|
          told << "serves"
          go_on.pop
          told << "has served"
          [200, {}, []]
        end
      end
      serve(app, threads: 1, on_worker_boot: booting, on_worker_stop: telling("stops")) do |server|
        expect(take(told)).to eq("boots")
        client = RawClient.open(server.url).write(RawClient.message("GET", "/"))
        go_on << true
        expect([take(told), take(told)]).to eq(["has booted", "serves"])
        stopping = Thread.new { server.stop }
        go_on << true
        expect([client.read_response.status, stopping.value]).to eq([200, true])
        client.close
      end
      expect(all_told).to eq(["has served", ["stops", 0]])
    end

    it "run once in each thread, in that thread, before it serves: on_thread_boot" do
      booting = telling(:boot)
      remembering = shareable { ->(worker) { Thread.current[:worker] = "worker #{worker}" } }
      app = shareable { ->(_) { [200, {}, [Thread.current[:worker].to_s]] } }
      serve(app, threads: 3, on_thread_boot: [booting, remembering]) do |server|
        expect(Array.new(3 * copies) { take(told) }).to eq([[:boot, 0]] * 3 * copies)
        RawClient.open(server.url) { |client| 5.times { expect(client.get("/").body).to eq("worker 0") } }
        expect(told).to be_empty
      end
    end

    it "run in a thread that takes another's place, too, and one that raises doesn't keep it from serving" do
      not_of_processes "both tell the same channel"
      hooks = [telling(:first), shareable { ->(_) { raise "no client" } }, telling(:last)]
      app = shareable { ->(env) { env["PATH_INFO"] == "/end" ? Thread.exit : [200, {}, ["served"]] } }
      serve(app, lint: false, threads: 1, on_thread_boot: hooks) do |server, log|
        expect([take(told), take(told)]).to eq([[:first, 0], [:last, 0]])
        log.wait_for(/no client \(RuntimeError\)/)
        expect(RawClient.open(server.url) { |client| client.get("/end").status }).to eq(500)
        expect([take(told), take(told)]).to eq([[:first, 0], [:last, 0]])
        expect(RawClient.open(server.url) { |client| client.get("/").body }).to eq("served")
        log.wait_for(/Thread\.exit|ended the thread/)
        log.wait_for(/no client \(RuntimeError\)/)
      end
    end

    it "run where their worker's requests do" do
      remembering = shareable { ->(worker) { Ractor.current[:worker] = "worker #{worker}" } }
      app = shareable { ->(_) { [200, {}, [Ractor.current[:worker]]] } }

      expect(ask(app, on_worker_boot: remembering).body).to eq("worker 0")
    end

    it "may be several, which run in their order, and on_worker_stop goes on past one that raises" do
      not_of_processes "both tell the same channel"
      stops = [telling(:one), shareable { ->(_) { raise "can't let go" } }, telling(:other)]
      serve(Probes::Echo, on_worker_boot: [telling(:first), telling(:last)], on_worker_stop: stops) do |server, log|
        expect([take(told), take(told)]).to eq([[:first, 0], [:last, 0]])
        expect(server.stop).to be(true)
        log.wait_for(/can't let go \(RuntimeError\)/)
      end
      expect(all_told).to eq([[:one, 0], [:other, 0]])
    end

    it "may be objects" do
      stub_const("Greeter", Class.new { def self.call(worker) = $stderr.write("hello from worker #{worker}\n") })

      serve(Probes::Echo, on_worker_boot: Greeter) { |_, log| log.wait_for(/^hello from worker 0$/) }
    end

    { "raises" => -> { raise "no database yet" }, "exits" => -> { exit(3) }, "ends its thread" => -> { Thread.exit } }
      .each do |what, failing|
      it "have a worker started again when one of them #{what}" do
        not_of_processes "both take from the same tries"
        tries = Channel.new
        2.times { tries << :fail }
        tries << :succeed
        fail_now = shareable { failing }
        hook = shareable { ->(_) { fail_now.call if tries.pop == :fail } }
        serve(Probes::Echo, threads: 1, on_worker_boot: hook) do |server, log|
          log.wait_for(/^kino: worker 1 (could not boot|died): .*^kino: worker 1 (could not boot|died): /m)
          expect(RawClient.open(server.url) { |client| client.post("/", "at last").body }).to eq("at last")
          expect(server.stats[:died]).to eq(2)
        end
      end
    end

    it "end the server when they always raise: run raises, and nothing listens any more" do
      not_of_processes "its process ends, and the parent starts another"
      hook = shareable { ->(worker) { raise KeyError, "no database" if worker == 1 } }
      serve(Probes::Echo, workers: 2, on_worker_boot: hook) do |server, log|
        url = server.url
        log.allow
        expect { server.run }.to raise_error(
          Kino::WorkerBootError,
          /\Aworker 2 could not boot 5 times in a row, so the server ends; .*: no database \(KeyError\)\z/
        )
        expect(server.running?).to be(false)
        expect { RawClient.open(url) }.to raise_error(Errno::ECONNREFUSED)
      end
    end

    it "are refused before anything runs where ractors can't share them, by file and line" do
      only_in(:ractor, "threads share everything")
      require "kino"
      list = []
      server = Kino::Server.new(Probes::Echo, mode: mode, **Serving::SETTINGS, on_worker_stop: ->(_) { list << 1 })

      expect { server.start }
        .to raise_error(Kino::ConfigurationError, /\A#{__FILE__}:#{__LINE__ - 3}: this hook .* can't be shared/)
      expect([server.running?, server.urls]).to eq([false, []])
    end
  end
end
