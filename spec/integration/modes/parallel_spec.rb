# frozen_string_literal: true

RSpec.describe "Workers" do
  each_mode do
    # Answers with the ractor that it runs in, and how many there are, once two requests are inside.
    def meeting(inside, go_on)
      shareable do
        lambda do |env|
          inside << true
          go_on.pop
          Probes.answer([Ractor.current.name, Ractor.count, env["rack.multithread"]])
        end
      end
    end

    # What two requests at once were answered.
    def meet(**settings)
      inside, go_on = Channel.new, Channel.new
      serve(meeting(inside, go_on), **settings) do |server|
        clients = Array.new(2) { RawClient.open(server.url).write(RawClient.message("GET", "/")) }
        2.times { take(inside) }
        2.times { go_on << true }
        clients.map { |client| Probes.read(client.read_response).tap { client.close } }
      end
    end

    it "are ractors of their own in :ractor mode, and threads of the main one in :threaded mode" do
      names, counts, = meet(workers: 2, threads: 1).transpose

      expect(names).to match_array(mode == :ractor ? ["kino 1", "kino 2"] : [nil, nil])
      expect(counts).to all(be >= (mode == :ractor ? 3 : 1))
    end

    it "run several requests at once where they have several threads" do
      names, = meet(workers: 1, threads: 2).transpose

      expect(names).to eq(mode == :ractor ? ["kino 1"] * 2 : [nil] * 2)
    end

    it "tell the app whether several threads call it" do
      expect(meet(workers: 2, threads: 1).map(&:last)).to eq([mode != :ractor] * 2)
      expect(meet(workers: 2, threads: 2).map(&:last)).to eq([true] * 2)
    end

    it "are as many as there are to be, of one thread each by default in :ractor mode and of several in :threaded" do
      booted = Channel.new
      boot = shareable { ->(worker) { booted << worker } }
      app = shareable { ->(env) { Probes.answer(env["rack.multithread"]) } }
      settings = Serving::SETTINGS.except(:threads).merge(workers: 3, on_worker_boot: boot)
      server = server_of(app, **settings).start

      expect(Array.new(3 * copies) { take(booted) }).to match_array([0, 1, 2] * copies)
      expect(Probes.read(RawClient.open(server.url, &:get))).to be(mode != :ractor)
      expect(server.stop).to be(true)
      expect(booted).to be_empty
    ensure
      server&.stop!
    end

    it "have their server say which mode it runs in while it runs" do
      server = server_of(Probes::Echo, **Serving::SETTINGS)
      expect(server.mode).to be_nil
      server.start
      expect([server.mode, server.mode_reason]).to eq([mode == :ractor ? :ractor : :threaded, nil])
      server.stop
      expect(server.mode).to be_nil
    end
  end
end
