# frozen_string_literal: true

require "tmpdir"

# What slow readers leave of bodies that are many small strings, each client's its own.
RSpec.describe "Twenty clients that don't read 8 MB in small strings" do
  letters = ("a".."t").to_a
  expected = ->(letter) { Bodies.small_strings(letter).join.b }
  # What is kept at most, and what may be added before it goes to a file: by each of two threads, and by each client.
  bound = (64 * 1024 * 1024) + (2 * 4 * 1024 * 1024) + (letters.size * 3 * 4096)

  each_mode do
    def small_client(server)
      socket = Socket.new(:INET, :STREAM)
      socket.setsockopt(:SOCKET, :RCVBUF, 16_384)
      socket.connect(Socket.sockaddr_in(server.port, "127.0.0.1"))
      RawClient.new(socket)
    end

    # Asks as all of them, and reads their answers only when all have been left to the engine.
    def read_late(server, letters)
      clients = letters.map { |letter| small_client(server).write(RawClient.message("GET", "/?#{letter}")) }
      eventually("all answers are left to the engine") do
        server.stats.values_at(:requests, :running) == [letters.size, 0]
      end
      kept = server.stats[:kept_bytes]
      letters.zip(clients) { |letter, client| yield letter, client.read_response.body }
      kept
    ensure
      clients&.each(&:close)
    end

    apps = shareable do
      { "an Array" => ->(env) { [200, {}, Bodies.small_strings(env["QUERY_STRING"])] },
        "an Array that has long ones, too" => lambda do |env|
          small = Bodies.small_strings(env["QUERY_STRING"])
          [200, {}, [*small[...100], small[100...300].join, *small[300...511], small[511]]]
        end,
        "an Array of chunks" => lambda do |env|
          chunks = Bodies.small_strings(env["QUERY_STRING"]).map { |part| "4000\r\n#{part}\r\n" }
          [200, { "transfer-encoding" => "chunked" }, [*chunks, "0\r\n\r\n"]]
        end }
    end

    apps.each do |what, app|
      it "is kept in memory up to a bound, and arrives whole, from #{what}" do
        Dir.mktmpdir do |folder|
          serve(app, lint: false, workers: 1, threads: 2, spool_dir: folder) do |server|
            kept = read_late(server, letters) { |letter, body| expect(body == expected.call(letter)).to be(true) }
            expect(kept).to be_between(1_000_000, bound * copies)
            eventually("nothing is kept any more") { server.stats[:kept_bytes].zero? }
          end
        end
      end
    end

    it "is counted part by part where they leave one by one" do
      app = shareable { ->(env) { [200, {}, Bodies::Each.new(*Bodies.small_strings(env["QUERY_STRING"]))] } }
      serve(app, workers: 1, threads: 2) do |server|
        clients = %w[a b].map { |letter| small_client(server).write(RawClient.message("GET", "/?#{letter}")) }
        eventually("both wait") { server.stats[:kept_bytes].positive? }
        expect(server.stats[:kept_bytes]).to be <= 2 * 20_000
        clients.zip(%w[a b]) { |client, letter| expect(client.read_response.body == expected.call(letter)).to be(true) }
        eventually("nothing is kept any more") { server.stats[:kept_bytes].zero? }
        clients.each(&:close)
      end
    end

    it "is moved to files, too, where streams are written without a wait" do
      app_starts_threads
      app = shareable do
        lambda do |env|
          body = lambda do |stream|
            stream.write_nonblock(Bodies.small_strings(env["QUERY_STRING"]).join)
            Thread.new { stream.close }
          end
          [200, {}, body]
        end
      end
      Dir.mktmpdir do |folder|
        serve(app, lint: false, workers: 1, threads: 2, spool_dir: folder) do |server|
          clients = letters.map { |letter| small_client(server).write(RawClient.message("GET", "/?#{letter}")) }
          heads = clients.map(&:read_head)
          eventually("what is kept is within its bound") { server.stats[:kept_bytes] <= bound * copies }
          expect(server.stats[:kept_bytes]).to be > 1_000_000
          letters.zip(clients) { |letter, client| expect(client.read_chunks == expected.call(letter)).to be(true) }
          expect(heads.map { |head| head[1] }).to all(eq(200))
          clients.each(&:close)
        end
      end
    end

    it "is no longer counted once they have left" do
      serve(apps.fetch("an Array"), workers: 1, threads: 2) do |server|
        clients = letters.map { |letter| small_client(server).write(RawClient.message("GET", "/?#{letter}")) }
        eventually("all answers are left to the engine") do
          server.stats.values_at(:requests, :running) == [letters.size, 0]
        end
        expect(server.stats[:kept_bytes]).to be_positive
        clients.each(&:abort)
        eventually("nothing is kept any more") { server.stats[:kept_bytes].zero? }
      end
    end

    it "costs them their answers where there is no room for it, and nobody else theirs" do
      folder = Dir.mktmpdir
      app = shareable do
        ->(env) { [200, {}, env["PATH_INFO"] == "/few" ? %w[a few] : Bodies.small_strings(env["QUERY_STRING"])] }
      end
      serve(app, workers: 1, threads: 2, spool_dir: folder) do |server, log|
        Dir.rmdir(folder)
        clients = letters.map { |letter| small_client(server).write(RawClient.message("GET", "/?#{letter}")) }
        eventually("all are left to the engine, or given up") do
          server.stats.values_at(:requests, :running) == [letters.size, 0]
        end
        log.wait_for(/no room in spool_dir/)
        failed = server.stats[:aborted]
        expect(server.stats[:spool_dir]).to eq(failed)
        expect(failed).to be_between(1, letters.size - 7)
        expect(RawClient.open(server.url) { |client| client.get("/few").body }).to eq("afew")
        clients.each(&:abort)
        eventually("nothing is kept any more") { server.stats[:kept_bytes].zero? }
      end
    end
  end
end
