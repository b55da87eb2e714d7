# frozen_string_literal: true

# What an app keeps of a request beyond its end, and then uses: by then the same thread serves somebody else.
RSpec.describe "A call that comes late" do
  each_mode do
    before { app_starts_threads }

    # A body that keeps what it is to yield to, and never ends by itself.
    let(:keeping) do
      Class.new do
        def initialize(kept, part)
          @kept = kept
          @part = part
        end

        def each(&write)
          @kept << write
          write.call(@part)
        end
      end
    end

    # Bob's requests, on the one thread that there is, while Alice's block is called by a thread of hers.
    def bobs_pages(answer)
      errors = Channel.new
      bodies = keeping
      kept = Thread::Queue.new
      app = lambda do |env|
        next [200, {}, bodies.new(kept, "alice")] if env["PATH_INFO"] == "/alice"

        write = kept.pop
        late = Thread.new do
          write.call("SECRET-OF-ALICE")
          errors << "nothing was raised"
        rescue IOError => error
          errors << error.message
        end
        answer.call(late)
      end
      converse(app, workers: 1, threads: 1, lint: false) do |client|
        expect(client.get("/alice").body).to eq("alice")
        expect(client.get("/bob").body).to eq("bob's page")
        expect(take(errors)).to eq("the request is over: its client can't be reached any more")
        expect(client.get("/alice").body).to eq("alice")
      end
    end

    before { only_in :threaded, "the app keeps what isn't shareable" }

    it "writes nothing into another's answer of one piece" do
      bobs_pages(lambda do |late|
        late.join
        [200, {}, ["bob's page"]]
      end)
    end

    it "writes nothing into another's answer of many pieces" do
      bobs_pages(lambda do |late|
        [200, {}, Enumerator.new { |parts| ["bob's ", late.join && "page"].each { |part| parts << part } }]
      end)
    end

    it "writes nothing into another's answer with a content-length" do
      bobs_pages(lambda do |late|
        pages = Enumerator.new { |parts| ["bob's ", late.join && "page"].each { |part| parts << part } }
        [200, { "content-length" => "10" }, pages]
      end)
    end

    # What each may be asked late, by its place in the env.
    {
      "rack.hijack" => ->(kept) { kept.call },
      "kino.client_gone?" => ->(kept) { kept.call && raise(IOError, "nobody waits any more: it is over") },
      "kino.request" => lambda do |kept|
        exchange = Kino.const_get(:Native)::Exchange # private to Kino
        [kept.client_gone?, exchange.write(kept, "SECRET"), exchange.finish(kept, nil)]
      end,
      "rack.early_hints" => ->(kept) { raise IOError, "told #{kept.call("link" => "<SECRET>").inspect}" },
      "rack.input" => ->(kept) { kept.read }
    }.each do |key, use|
      it "of #{key} does not reach the next request" do
        told = Channel.new
        kept = Thread::Queue.new
        app = lambda do |env|
          if env["PATH_INFO"] == "/alice"
            kept << env[key]
          else
            begin
              told << use.call(kept.pop).inspect
            rescue IOError => error
              told << error.message
            end
          end
          [200, {}, [env["rack.input"].read || ""]]
        end
        converse(app, workers: 1, threads: 2, lint: false, early_hints: true, stream_bodies: true) do |client|
          expect(client.post("/alice", "alice's body").body).to eq("alice's body")
          expect(client.post("/bob", "bob's body").body).to eq("bob's body")
          expect(take(told)).to match(/over|told nil|\A(nil|"")\z/)
        end
      end
    end

    it "of a stream does not reach the next request" do
      told = Channel.new
      kept = Thread::Queue.new
      app = lambda do |env|
        streaming = ->(stream) { (kept << stream) && stream.write("alice") && stream.close }
        next [200, {}, streaming] if env["PATH_INFO"] == "/alice"

        begin
          kept.pop.write("SECRET")
        rescue IOError => error
          told << error.message
        end
        [200, {}, ["bob's page"]]
      end
      converse(app, workers: 1, threads: 1, lint: false) do |client|
        expect(client.get("/alice").body).to eq("alice")
        expect(client.get("/bob").body).to eq("bob's page")
        expect(take(told)).to match(/closed|over/)
      end
    end
  end
end
