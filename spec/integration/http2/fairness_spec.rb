# frozen_string_literal: true

require_relative "../../support/control_socket"

RSpec.describe "Requests of a connection of HTTP/2 that wait for a worker" do
  include ControlSocket

  each_mode do
    before { not_of_processes "the other process would take them" }

    # Says what it serves, in order, and holds what is slow until it is told to go on.
    def telling(order, gate)
      shareable do
        lambda do |env|
          path = env["PATH_INFO"]
          path == "/slow" ? gate.pop : order << path
          [200, {}, [path]]
        end
      end
    end

    # Yields while the one worker is busy.
    def while_busy(order, **settings)
      gate = Channel.new
      speak(telling(order, gate), workers: 1, threads: 1, control: control, **settings) do |client, server, log|
        client.request(1, "GET", "/slow")
        eventually("it runs") { server.stats[:running] == 1 }
        yield client, server, -> { gate << :open }, log
      end
    end

    def wait_for(number)
      eventually("#{number} wait") do
        control_json("/requests")["requests"].count { |one| one["phase"] == "queued" } == number
      end
    end

    it "keep no other connection's waiting behind all of them" do
      order = Channel.new
      while_busy(order) do |client, server, go_on|
        50.times { |n| client.request(3 + (2 * n), "GET", "/many") }
        wait_for(50)
        Http2Client.open(server.url) do |other|
          other.request(1, "GET", "/h2")
          wait_for(51)
          RawClient.open(server.url) do |plain|
            plain.write(RawClient.message("GET", "/plain"))
            wait_for(52)
            go_on.call
            expect(plain.read_response.body).to eq("/plain")
          end
          expect(other.answer(1).body).to eq("/h2")
        end
        expect(Array.new(4) { order.pop }).to eq(%w[/many /h2 /plain /many])
        50.times { |n| expect(client.answer(3 + (2 * n)).body).to eq("/many") }
      end
    end

    it "come by their urgency" do
      order = Channel.new
      while_busy(order) do |client, _, go_on|
        %w[u=5 u=1 u=3 u=1].each_with_index do |priority, n|
          client.request(3 + (2 * n), "GET", "/#{n}", { "priority" => priority })
        end
        wait_for(4)
        go_on.call
        expect(Array.new(4) { order.pop }).to eq(%w[/1 /3 /2 /0])
      end
    end

    it "move when their client says that it wants them sooner, or later" do
      order = Channel.new
      while_busy(order) do |client, _, go_on|
        4.times { |n| client.request(3 + (2 * n), "GET", "/#{n}") }
        wait_for(4)
        # PRIORITY_UPDATE (RFC 9218 section 7.1).
        { 3 => "u=6", 9 => "u=0", 7 => "u=1" }.each do |stream, priority|
          client.frame(16, 0, 0, [stream].pack("N") + priority)
        end
        client.frame(:ping, 0, 0, "all read")
        client.await { |frame| frame.kind == :ping && frame.payload == "all read" }
        go_on.call
        expect(Array.new(4) { order.pop }).to eq(%w[/3 /2 /1 /0])
      end
    end

    it "come as their client has said before it has asked for them" do
      order = Channel.new
      while_busy(order) do |client, _, go_on|
        # The last one counts, and for more than what the request says.
        [[5, "u=7"], [7, "u=1"], [5, "u=0"]].each do |stream, priority|
          client.frame(16, 0, 0, [stream].pack("N") + priority)
        end
        4.times { |n| client.request(3 + (2 * n), "GET", "/#{n}", { "priority" => "u=2" }) }
        wait_for(4)
        go_on.call
        expect(Array.new(4) { order.pop }).to eq(%w[/1 /2 /0 /3])
      end
    end

    it "leave room for others where there is none (queue_depth)" do
      order = Channel.new
      while_busy(order, queue_depth: 4) do |client, server, go_on, log|
        log.allow
        4.times { |n| client.request(3 + (2 * n), "GET", "/#{n}") }
        wait_for(4)
        RawClient.open(server.url) do |plain|
          plain.write(RawClient.message("GET", "/plain"))
          expect(client.answer(9).status).to eq(503)
          go_on.call
          expect(plain.read_response.body).to eq("/plain")
        end
        expect([3, 5, 7].map { |id| client.answer(id).status }).to all(eq(200))
        expect(server.stats).to include(queue_depth: 1)
      end
    end
  end
end
