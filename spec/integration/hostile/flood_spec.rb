# frozen_string_literal: true

RSpec.describe "A flood of clients past max_connections (20)" do
  include Descriptors

  half = "GET /half HTTP/1.1\r\nhost:"
  rest = " localhost\r\n\r\n"

  each_mode do
    before { not_of_processes "each holds as many" }

    let(:path) { shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } } }

    it "is let in where others are idle: those that have been for longest are closed" do
      serve(path, workers: 1, threads: 1, max_connections: 20) do |server|
        leaving_nothing_open(server) do
          flood = Array.new(60) do |n|
            sleep 0.002 # the server counts idleness in milliseconds
            RawClient.open(server.url).tap { |client| expect(client.get("/#{n}").body).to eq("/#{n}") }
          end
          expect(server.stats).to include(accepted: 60, max_connections: be_positive)
          evicted = server.stats[:evicted]
          expect(evicted).to be_between(40, 41)
          expect(flood.first(evicted)).to all(be_closed)
          flood.drop(evicted).each { |client| expect(client.get("/again").body).to eq("/again") }
          flood.each(&:close)
        end
        expect(server.stats).to include(refused: 0, overloaded: 0, timed_out: 0, aborted: 0, died: 0)
      end
    end

    it "is let in where others have never said a word" do
      serve(path, workers: 1, threads: 1, max_connections: 20) do |server|
        leaving_nothing_open(server) do
          silent = Array.new(20) { RawClient.open(server.url) }
          eventually("the server is full of silent ones") { server.stats[:connections] == 20 }
          RawClient.open(server.url) { |client| expect(client.get("/new").body).to eq("/new") }
          expect(silent.first).to be_closed
          silent.each(&:close)
        end
      end
    end

    it "waits unanswered while all others are in the middle of something, and is served when they leave" do
      serve(path, workers: 1, threads: 1, max_connections: 20) do |server|
        leaving_nothing_open(server) do
          inside = Array.new(20) { RawClient.open(server.url).write(half) }
          eventually("the server is full") { server.stats[:connections] == 20 }
          waiting = Array.new(41) { |n| RawClient.open(server.url).write(RawClient.message("GET", "/#{n}")) }
          eventually("somebody waits") { server.stats[:max_connections].positive? }
          expect(server.stats).to include(connections: 20, accepted: 20, evicted: 0)
          expect(IO.select(waiting.map(&:socket), nil, nil, 0)).to be_nil

          inside.each { |client| expect(client.write(rest).read_response.body).to eq("/half") }
          inside.each(&:close)
          # Each that is answered leaves, and makes room for another.
          answers = waiting.map { |client| client.read_response.body.tap { client.close } }
          expect(answers).to eq(Array.new(41) { |n| "/#{n}" })
        end
        expect(server.stats).to include(accepted: 61, refused: 0, overloaded: 0, timed_out: 0, aborted: 0, died: 0)
      end
    end

    it "goes away unserved where its clients have left the backlog again" do
      serve(path, workers: 1, threads: 1, max_connections: 20) do |server|
        leaving_nothing_open(server) do
          inside = Array.new(20) { RawClient.open(server.url).write(half) }
          eventually("the server is full") { server.stats[:connections] == 20 }
          20.times { RawClient.open(server.url).write("GET /left HTTP/1.1\r\nhost:").abort }
          inside.each { |client| expect(client.write(rest).read_response.body).to eq("/half") }
          inside.each(&:close)
          RawClient.open(server.url) { |client| expect(client.get("/last").body).to eq("/last") }
        end
      end
    end
  end
end
