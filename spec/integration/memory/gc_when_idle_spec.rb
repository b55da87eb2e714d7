# frozen_string_literal: true

# Takes memory until a major collection is near, by GET /grow, and tells how many of those there have been. What is kept
# is the thread's, so that ractors can run it.
class GrowingApp < BusyApp
  def call(env)
    grow if env["PATH_INFO"] == "/grow"
    return super unless %w[/grow /count].include?(env["PATH_INFO"])

    [200, {}, [GC.stat(:major_gc_count).to_s]]
  end

  private

  def grow
    kept = Thread.current[:kept] = []
    limit = GC.stat(:oldmalloc_increase_bytes_limit)
    kept << ("x" * (limit / 50)) until GC.stat(:oldmalloc_increase_bytes) > limit * 0.91
  end
end

RSpec.describe "gc_when_idle" do
  each_mode do
    let(:app) { GrowingApp.new }

    def collected(server) = server.stats[:gc_when_idle]

    it "collects garbage once a major collection is near and nothing is in flight, and then no more" do
      serve(app, workers: 1, threads: 2, gc_when_idle: true) do |server|
        RawClient.open(server.url) do |client|
          before = client.get("/grow").body.to_i
          eventually("it has collected") { collected(server) == 1 }
          expect(client.get("/count").body.to_i).to be > before
          3.times { client.get("/") }
          expect(collected(server)).to eq(1)
        end
      end
    end

    it "leaves it be while a request runs" do
      not_of_processes "another is idle"
      serve(app, workers: 1, threads: 2, gc_when_idle: true) do |server|
        busy = app.occupy(server)
        RawClient.open(server.url) { |client| client.get("/grow") }
        sleep 0.3 # some sixty looks
        expect(collected(server)).to eq(0)
        app.go_on
        expect(busy.read_response.body).to eq("/wait")
        eventually("it has collected") { collected(server) == 1 }
        busy.close
      end
    end

    it "is off unless it is asked for" do
      serve(app, workers: 1, threads: 2) do |server|
        RawClient.open(server.url) { |client| client.get("/grow") }
        sleep 0.3
        expect(collected(server)).to eq(0)
        expect(Thread.list.map(&:name)).not_to include("kino gc")
      end
    end
  end
end
