# frozen_string_literal: true

RSpec.describe "Threads that wait for a client" do
  each_mode do
    # An app whose "/listen" answers with a stream that a thread of its own reads from, whose "/status" tells what that
    # thread does, and whose "/close" closes the stream. Both are kept by the ractor, which the worker's threads share.
    def listener(told)
      shareable do
        lambda do |env|
          here = Ractor.current
          case env["PATH_INFO"]
          when "/status" then [200, {}, [here[:reader].status.inspect]]
          when "/close" then [200, {}, [here[:stream].close.inspect]]
          when "/listen"
            [200, {}, lambda { |stream|
              here[:stream] = stream.flush
              here[:reader] = Thread.new do
                stream.read(1)
                told << :reads
                stream.read
              rescue StandardError => error
                told << error.class
              end
            }]
          else [200, {}, ["others"]]
          end
        end
      end
    end

    # Closing waited, with the GVL, until the reader's body_timeout, which is later than that of the upload.
    it "are told when another thread closes the stream, and hold up nobody" do
      not_of_processes "the second request has to meet the process of the first"
      app_starts_threads
      told = Channel.new
      settings = { stream_bodies: ["/listen"], threads: 4, body_timeout: RawClient::DEADLINE / 2, lint: false }
      converse(listener(told), **settings) do |upload, server|
        upload.write("POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na")
        eventually("the upload has begun") { server.stats[:connections] == 1 }
        RawClient.open(server.url) do |slow|
          slow.write("POST /listen HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na").read_head
          expect(take(told)).to eq(:reads)
          RawClient.open(server.url) do |other|
            eventually("the reader waits") { other.get("/status").body == '"sleep"' }
            expect([other.get("/close").body, other.get("/").body]).to eq(%w[nil others])
          end
          expect(take(told)).to eq(IOError)
          expect(server.stats).to include(body_timeout: 0)
        end
      end
    end

    it "take no descriptor beside their client's" do
      skip "needs /proc to count them" unless Descriptors.count
      told = Channel.new
      app = shareable do
        lambda do |env|
          next [200, {}, ["quick"]] if env["PATH_INFO"] == "/"

          [200, {}, lambda { |stream|
            told << :writes
            stream.write("x" * 20_000_000)
            stream.close
          }]
        end
      end
      serve(app, lint: false, threads: 5) do |server|
        RawClient.open(server.url) do |quick|
          quick.get("/")
          GC.start # what earlier examples have left is not to be closed meanwhile
          before = Descriptors.count
          slow = Array.new(4) { RawClient.open(server.url).write(RawClient.message("GET", "/slow")) }
          4.times { take(told) }
          # Each is served by the one thread that does not wait; in between, those that write come to wait.
          most = Array.new(30) { quick.get("/") && Descriptors.count }.max
          expect(most).to be <= before + (2 * slow.size)
          slow.each(&:abort)
        end
      end
    end
  end
end
