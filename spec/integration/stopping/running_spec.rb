# frozen_string_literal: true

RSpec.describe "A running server" do
  each_mode do
    it "blocks in run until another thread stops it" do
      serve(Probes::Echo) do |server|
        running = Thread.new { server.run }
        expect(RawClient.open(server.url) { |client| client.post("/", "x").body }).to eq("x")
        expect(running).to be_alive
        server.stop
        expect(running.value).to be_nil
      end
    end

    it "starts in run, if need be" do
      server = server_of(Probes::Echo, **Serving::SETTINGS)
      running = Thread.new { server.run }
      url = eventually("it has started") { server.url }
      expect(RawClient.open(url) { |client| client.post("/", "x").body }).to eq("x")
      expect([server.stop, running.value]).to eq([true, nil])
    end

    it "starts once, whoever asks" do
      serve(Probes::Echo) do |server|
        url = server.url
        expect(server.start).to be(server)
        expect(server.urls).to eq([url])
      end
    end

    %i[stop stop!].each do |method|
      it "may be told to #{method} by the handler of a signal, which waits for nothing" do
        not_of_processes "signals are the parent's own"
        serve(Probes::Echo) do |server|
          answer = nil
          former = trap("USR2") { answer = [server.public_send(method)] }
          Process.kill("USR2", Process.pid)
          eventually("it has been told") { answer }
          expect(answer).to eq([method == :stop ? false : nil])
          eventually("it has stopped") { !server.running? }
        ensure
          trap("USR2", former || "DEFAULT")
        end
      end
    end

    it "has no thread that only waits but one, which looks after all workers" do
      only_in(:threaded, "a ractor has a main thread")
      not_of_processes "it looks at this process's threads"
      before = Thread.list
      serve(Probes::Echo, workers: 2, threads: 3, stuck_timeout: 60) do
        names = eventually("all have started") do
          list = (Thread.list - before).filter_map(&:name).grep(/\Akino/)
          list if list.size >= 7
        end
        expect(names.tally).to eq("kino supervisor" => 1, "kino 1" => 3, "kino 2" => 3)
      end
    end

    it "counts what it does" do
      serve(Probes::Echo) do |server|
        before = server.stats
        expect(before.values).to all(be_an(Integer))
        RawClient.open(server.url) do |client|
          3.times { client.post("/", "x") }
          expect(server.stats).to include(requests: before[:requests] + 3, accepted: before[:accepted] + 1,
                                          connections: 1)
        end
        eventually("the connection is gone from the count") { server.stats[:connections].zero? }
      end
    end

    it "refuses what is no app, with an error that says so" do
      require "kino"
      expect { Kino::Server.new("hello", port: 0) }.to raise_error(ArgumentError, /call/)
    end
  end
end
