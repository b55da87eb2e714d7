# frozen_string_literal: true

require "tmpdir"

RSpec.describe "Fifty clients that reset in the middle of a body" do
  include Descriptors

  each_mode do
    around { |example| Dir.mktmpdir("kino-resets") { |folder| @folder = folder and example.run } }

    # Bodies that fit the buffer, and such as lie in a file by then; with a length, and in chunks.
    heads = ["content-length: 1000000\r\n\r\n", "transfer-encoding: chunked\r\n\r\nF4240\r\n"]
    heads.product([1_000, 100_000]).each do |head, sent|
      it "(#{head[/\S+/]} #{sent} bytes) leave nothing behind, while an ordinary one is served" do
        seen = Channel.new
        app = shareable do
          lambda do |env|
            seen << env["PATH_INFO"] if env["REQUEST_METHOD"] == "POST"
            [200, {}, ["quick"]]
          end
        end
        serve(app, workers: 1, threads: 1, spool_dir: @folder) do |server|
          RawClient.open(server.url) do |ordinary|
            expect(ordinary.get.body).to eq("quick")
            leaving_nothing_open(server) do
              rude = Array.new(50) do
                RawClient.open(server.url).write("POST / HTTP/1.1\r\nhost: x\r\n#{head}#{"x" * sent}")
              end
              eventually("all are there") { server.stats[:connections] == 51 }
              10.times { expect(ordinary.get.body).to eq("quick") }
              rude.each(&:abort)
              expect(ordinary.get.body).to eq("quick") until server.stats[:connections] == 1
            end
            expect(seen).to be_empty
            expect(Dir.children(@folder)).to eq([])
            eventually("the last request is over") { server.stats[:running].zero? }
            expect(server.stats).to include(requests: server.stats[:answered], refused: 0, timed_out: 0, died: 0)
          end
        end
      end
    end
  end
end
