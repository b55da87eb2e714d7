# frozen_string_literal: true

RSpec.describe "A hundred clients that never end their head" do
  include Descriptors

  each_mode do
    # However many bytes still come, the time runs from the first. Who has had its 408 may find itself cut off.
    def drip(client)
      client.socket.write_nonblock("x", exception: false)
    rescue Errno::EPIPE, Errno::ECONNRESET
      nil
    end

    it "are ended with 408 by header_timeout, while an ordinary one is served" do
      serve(shareable { ->(_) { [200, {}, ["quick"]] } }, workers: 1, threads: 1, header_timeout: 0.5) do |server|
        RawClient.open(server.url) do |ordinary|
          expect(ordinary.get.body).to eq("quick")
          leaving_nothing_open(server) do
            slow = Array.new(100) { RawClient.open(server.url).write("GET / HTTP/1.1\r\nx-slow: ") }
            until server.stats[:header_timeout] == 100
              slow.each { |client| drip(client) }
              expect(ordinary.get.body).to eq("quick")
            end
            expect(slow.map { |client| client.read_response.status }.tally).to eq(408 => 100)
            expect(slow).to all(be_closed)
            slow.each(&:close)
          end
          expect(ordinary.get.body).to eq("quick")
          expect(server.stats).to include(header_timeout: 100, timed_out: 100, refused: 0, overloaded: 0, died: 0)
        end
      end
    end
  end
end
