# frozen_string_literal: true

# What others do to a worker's threads, at whatever moment.
RSpec.describe "Threads of workers that are" do
  each_mode do
    before { not_of_processes "it ends this process's threads" }

    # The threads that serve, whichever server's.
    def worker_threads = Thread.list.select { |thread| thread.name&.match?(/\Akino \d+\z/) }

    # The statuses of as many requests on as few connections as they allow; what is lost raises.
    def statuses(url, number)
      client = RawClient.open(url)
      Array.new(number) do
        response = client.post("/", "hello")
        client.close.then { client = RawClient.open(url) } if response["connection"] == "close"
        response.status
      end
    ensure
      client&.close
    end

    it "killed before their first line, one after the other, are replaced: the server answers, and stops" do
      only_in(:threaded, "a thread of another ractor can't be had")
      killed = 0
      allow(Thread).to receive(:new).and_wrap_original do |original, *args, &block|
        thread = original.call(*args, &block)
        if caller_locations(1, 20).any? { |line| line.path.end_with?("lib/kino/workers/worker.rb") } && killed < 64
          killed += 1
          thread.kill
        end
        thread
      end
      serve(Probes::Echo, workers: 2, threads: 3) do |server|
        eventually("all those have been killed") { killed == 64 }
        expect(RawClient.open(server.url) { |client| client.post("/", "still here").body }).to eq("still here")
        expect(server.stats[:died]).to eq(64)
        expect(server.stop).to be(true)
      end
    end

    it "looked after by a thread that is raised into, and killed: another looks after them" do
      only_in(:threaded, "a thread of another ractor can't be had")
      app = lambda do |env|
        Thread.exit if env["PATH_INFO"] == "/exit"
        [200, {}, ["served"]]
      end
      serve(app, workers: 1, threads: 1) do |server, log|
        log.allow
        supervisor = -> { Thread.list.find { |thread| thread.name == "kino supervisor" } }
        supervisor.call.raise("not yours")
        3.times do
          former = supervisor.call.kill
          eventually("another has taken over") { supervisor.call && !supervisor.call.equal?(former) }
          expect(RawClient.open(server.url) { |client| client.get("/exit").status }).to eq(500)
          expect(RawClient.open(server.url) { |client| client.get("/").body }).to eq("served")
        end
        expect(server.stop).to be(true)
        eventually("none is left") { supervisor.call.nil? }
      end
    end

    it "killed again and again by the app are replaced as often" do
      app_starts_threads
      app = shareable do
        lambda do |env|
          others = Thread.list.select { |thread| thread.name&.match?(/\Akino \d+\z/) } - [Thread.current]
          others.each(&:kill) if env["PATH_INFO"] == "/kill"
          [200, {}, [others.size.to_s]]
        end
      end
      serve(app, threads: 3) do |server, log|
        log.allow
        RawClient.open(server.url) do |client|
          50.times { expect(client.get("/kill").status).to eq(200) }
          eventually("all are back") { client.get("/").body == "2" }
        end
        expect(server.stop).to be(true)
      end
    end

    # At whatever moment, one at a time.
    strikes = { "raised into" => ->(thread) { thread.raise(IOError, "at a bad moment") }, "killed" => :kill.to_proc }
    strikes.each do |what, strike|
      it "#{what} at any moment answer each request all the same" do
        only_in(:threaded, "a thread of another ractor can't be had")
        serve(shareable { ->(env) { [200, {}, [env["rack.input"].read]] } }, threads: 3) do |server, log|
          log.allow
          done = false
          striking = Thread.new do
            until done
              worker_threads.reject(&:pending_interrupt?).sample&.then(&strike)
              Thread.pass
            end
          end
          answered = concurrently(4) { statuses(server.url, 300) }
          done = true
          striking.join
          expect(answered.flatten.uniq - [200, 500]).to eq([])
          expect(statuses(server.url, 10)).to all(eq(200))
          expect(server.stop).to be(true)
        end
      end
    end
  end
end
