# frozen_string_literal: true

RSpec.describe "The env" do
  each_mode do
    # Changes all it can, as middleware does, and answers what of the previous request was still there.
    let(:meddler) do
      shareable do
        lambda do |env|
          left = [env.frozen?, env["app.own"], env["PATH_INFO"], env["HTTP_X_ONCE"]]
          env["app.own"] = "changed"
          env["PATH_INFO"] = "/changed"
          env.delete("REQUEST_METHOD")
          Probes.answer(left)
        end
      end
    end

    it "is a Hash of its own for each request of a connection" do
      converse(meddler) do |client|
        expect(Probes.read(client.get("/1", "x-once" => "here"))).to eq([false, nil, "/1", "here"])
        expect(Probes.read(client.get("/2"))).to eq([false, nil, "/2", nil])
      end
    end

    it "has a request that can be asked for what apps are to do with it, and for nothing else" do
      app = shareable do
        lambda do |env|
          request = env["kino.request"]
          Probes.answer([request.public_methods(false) | request.class.public_instance_methods(false)])
        end
      end
      expect(Probes.read(ask(app)).first).to contain_exactly(:call, :client_gone?, :mark_as_io_bound)
    end

    it "is kept whole when the app keeps it, though the connection goes on" do
      converse(Probes::Keeper, lint: false, threads: 1) do |client|
        5.times { |n| client.post("/#{n}?q=#{n}", "body #{n}", "x-n" => n.to_s) }
        kept = Probes.read(client.get("/kept"))
        told = kept.map { |env| env.values_at("PATH_INFO", "QUERY_STRING", "HTTP_X_N", "CONTENT_LENGTH") }
        expect(told).to eq(Array.new(5) { |n| ["/#{n}", "q=#{n}", n.to_s, "6"] })
      end
    end

    it "is a plain Hash with String keys, and has what Rack asks for" do
      app = shareable do
        lambda do |env|
          Probes.answer([env.class, env.keys.map(&:class).uniq, env.default, env["rack.response_finished"],
                         env["rack.input"].respond_to?(:read), env["rack.errors"].respond_to?(:puts)])
        end
      end
      expect(Probes.read(ask(app, lint: false))).to eq([Hash, [String], nil, [], true, true])
    end

    it "has rack.errors, which reaches standard error at once" do
      app = shareable do
        lambda do |env|
          env["rack.errors"].puts "a complaint"
          env["rack.errors"].write "written, "
          env["rack.errors"].flush
          [200, {}, []]
        end
      end
      converse(app) do |client, _, log|
        expect(client.get.status).to eq(200)
        log.wait_for(/^a complaint\nwritten, /)
      end
    end
  end
end
