# frozen_string_literal: true

RSpec.describe "A flood of clients past max_connections (20)" do
  include Descriptors

  each_mode do
    let(:path) { shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } } }

    it "waits unanswered, is served when others leave, and an ordinary one is served all the time" do
      serve(path, workers: 1, threads: 1, max_connections: 20) do |server|
        RawClient.open(server.url) do |ordinary|
          expect(ordinary.get("/ordinary").body).to eq("/ordinary")
          leaving_nothing_open(server) do
            flood = Array.new(60) { |n| RawClient.open(server.url).write(RawClient.message("GET", "/#{n}")) }
            inside, waiting = flood.first(19), flood.drop(19)
            expect(inside.map { |client| client.read_response.body }).to eq(Array.new(19) { |n| "/#{n}" })
            eventually("the server is full") { server.stats[:max_connections].positive? }
            20.times { expect(ordinary.get("/ordinary").body).to eq("/ordinary") }
            expect(server.stats).to include(connections: 20, accepted: 20)
            expect(IO.select(waiting.map(&:socket), nil, nil, 0)).to be_nil

            inside.each(&:close)
            # Each that is answered leaves, and makes room for another.
            answers = waiting.map { |client| client.read_response.body.tap { client.close } }
            expect(answers).to eq(Array.new(41) { |n| "/#{n + 19}" })
          end
          expect(ordinary.get("/ordinary").body).to eq("/ordinary")
          expect(server.stats).to include(accepted: 61, refused: 0, overloaded: 0, timed_out: 0, aborted: 0, died: 0)
        end
      end
    end

    it "goes away unserved where its clients have left the backlog again" do
      serve(path, workers: 1, threads: 1, max_connections: 20) do |server|
        RawClient.open(server.url) do |ordinary|
          expect(ordinary.get("/ordinary").body).to eq("/ordinary")
          leaving_nothing_open(server) do
            inside = Array.new(19) { RawClient.open(server.url) }
            eventually("the server is full of silent ones") { server.stats[:connections] == 20 }
            20.times { RawClient.open(server.url).write("GET /left HTTP/1.1\r\nhost:").abort }
            5.times { expect(ordinary.get("/ordinary").body).to eq("/ordinary") }
            inside.each(&:close)
            RawClient.open(server.url) { |client| expect(client.get("/last").body).to eq("/last") }
          end
        end
      end
    end
  end
end
