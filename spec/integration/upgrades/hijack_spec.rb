# frozen_string_literal: true

RSpec.describe "rack.hijack" do
  each_mode do
    # An app that takes the socket, and leaves it to the block, a lambda.
    def taking(&use)
      shareable(&use).then do |work|
        shareable do
          lambda do |env|
            next [200, {}, ["still here"]] if env["PATH_INFO"] == "/other"

            work.call(env["rack.hijack"].call)
            [200, {}, ["never sent"]]
          end
        end
      end
    end

    # An app whose answer goes on with the socket.
    def answering(status, headers, body = [], &use)
      Ractor.make_shareable([headers, body])
      work = shareable(&use)
      shareable { ->(_) { [status, headers.merge("rack.hijack" => work), body] } }
    end

    it "is offered" do
      app = shareable do
        ->(env) { Probes.answer([env["rack.hijack?"], env["rack.hijack"].respond_to?(:call)]) }
      end
      expect(Probes.read(ask(app))).to eq([true, true])
    end

    it "gives the client's socket, and what the app answers then is not sent" do
      not_over_tls("there it is one end of a pair")
      app = taking do
        lambda do |io|
          io.write("#{io.class} #{io.remote_address.ip_address}")
          io.close
        end
      end
      converse(app) do |client, server|
        client.write(RawClient.message("GET", "/"))
        expect(client.read_to_end).to eq("TCPSocket 127.0.0.1")
        expect(server.stats.values_at(:hijacked, :answered, :aborted, :running)).to eq([1, 0, 0, 0])
      end
    end

    it "gives a UNIXSocket on a unix socket" do
      app = taking do
        lambda do |io|
          io.write(io.class.name)
          io.close
        end
      end
      Dir.mktmpdir do |folder|
        converse(app, bind: ["unix://#{folder}/kino.sock"]) do |client|
          client.write(RawClient.message("GET", "/"))
          expect(client.read_to_end).to eq("UNIXSocket")
        end
      end
    end

    it "lets the app read first what the client has sent already" do
      app = taking do
        lambda do |io|
          io.write(io.readpartial(100).upcase)
          io.write(io.gets.upcase, io.read.upcase)
          io.close
        end
      end
      # Rack::Lint's wrapper lacks most of a socket's methods.
      converse(app, lint: false) do |client|
        client.write("#{RawClient.message("GET", "/")}early")
        expect(client.read(5)).to eq("EARLY")
        client.write("a line\nand the rest").close_write
        expect(client.read_to_end).to eq("A LINE\nAND THE REST")
      end
    end

    it "leaves it to the app for as long as it likes, while others are served" do
      app_starts_threads
      app = taking do
        lambda do |io|
          Thread.new do
            while (line = io.gets)
              io.write(line.upcase)
            end
            io.close
          end
        end
      end
      serve(app, lint: false, workers: 1, threads: 1) do |server|
        clients = Array.new(10) { RawClient.open(server.url).write(RawClient.message("GET", "/")) }
        2.times do |round|
          clients.each_with_index do |client, index|
            client.write("line #{round} of #{index}\n")
            expect(client.read_through("\n")).to eq("LINE #{round} OF #{index}\n")
          end
          RawClient.open(server.url) { |other| expect(other.get("/other").body).to eq("still here") }
        end
        eventually("the server has forgotten them") { server.stats[:connections].zero? }
        clients.each { |client| expect(client.tap(&:close_write)).to be_closed }
      end
    end

    it "takes the connection out of the server's hands, its stop included" do
      app_starts_threads
      go_on = Channel.new
      app = taking do
        lambda do |io|
          Thread.new do
            go_on.pop
            io.write("after the end")
            io.close
          end
        end
      end
      server = client = nil
      serve(app) do |serving|
        server = serving
        client = RawClient.open(server.url).write(RawClient.message("GET", "/"))
        eventually("the app has taken it") { server.stats[:hijacked] == 1 }
        expect(server.stop).to be(true)
        only_in :threaded, "a ractor ends with its server" if mode == :ractor
        not_of_processes "each ends with its server"
        go_on << true
        expect(client.read_to_end).to eq("after the end")
      end
    end

    it "may be called while the body is still coming, which the app then reads itself" do
      app = taking do
        lambda do |io|
          io.write(io.readpartial(100))
          io.close
        end
      end
      converse(app, lint: false, stream_bodies: true) do |client|
        client.write(RawClient.message("POST", "/", { "content-length" => "1000" }) << "the beginning")
        expect(client.read_to_end).to eq("the beginning")
      end
    end

    it "calls back all the same" do
      told = Channel.new
      app = shareable do
        lambda do |env|
          env["rack.response_finished"] << ->(_, status, _, error) { told << [status, error] }
          env["rack.hijack"].call.close
          [-1, {}, []]
        end
      end
      # With the status that Puma's apps give, which the SPEC does not know.
      converse(app, lint: false) do |client|
        expect(client.write(RawClient.message("GET", "/"))).to be_closed
        expect(take(told)).to eq([-1, nil])
      end
    end

    it "gives the same socket when it is called twice, and in rack.hijack_io, as faye-websocket takes it" do
      app = shareable do
        lambda do |env|
          io = env["rack.hijack"].call
          io.write([env["rack.hijack"].call, env["rack.hijack_io"]].map { |other| other.equal?(io) }.inspect)
          io.close
          [-1, {}, []]
        end
      end
      converse(app, lint: false) do |client|
        expect(client.write(RawClient.message("GET", "/")).read_to_end).to eq("[true, true]")
      end
    end

    it "by an answer's header leaves the app the connection after the head" do
      app = answering(200, { "content-type" => "text/plain" }) do
        lambda do |io|
          io.write("what the app writes")
          io.close
        end
      end
      converse(app) do |client|
        client.write(RawClient.message("GET", "/"))
        _, status, _, fields = client.read_head
        expect([status, fields.to_h.slice("content-type", "connection", "content-length", "transfer-encoding")])
          .to eq([200, { "content-type" => "text/plain", "connection" => "close" }])
        expect(client.read_to_end).to eq("what the app writes")
      end
    end

    it "by an answer's header keeps the app's own framing, and its upgrade" do
      app = answering(101, { "upgrade" => "echo", "connection" => "Upgrade" }) do
        lambda do |io|
          io.write(io.read(6))
          io.close
        end
      end
      converse(app) do |client|
        client.write("#{RawClient.message("GET", "/", { "connection" => "upgrade", "upgrade" => "echo" })}early\n")
        _, status, _, fields = client.read_head
        expect([status, fields.to_h.slice("upgrade", "connection")])
          .to eq([101, { "upgrade" => "echo", "connection" => "upgrade" }])
        expect(client.read_to_end).to eq("early\n")
      end
      chunked = answering(200, { "transfer-encoding" => "chunked" }) do
        lambda do |io|
          io.write("3\r\nabc\r\n0\r\n\r\n")
          io.close
        end
      end
      expect(ask(chunked, lint: false).body).to eq("abc")
    end

    it "by an answer's header works whatever the body is" do
      [[], Bodies::Each.new("not sent"), Bodies::Called.new("not sent")].each do |body|
        app = answering(200, {}, body) do
          lambda do |io|
            io.write("taken")
            io.close
          end
        end
        converse(app, lint: false) do |client|
          client.write(RawClient.message("GET", "/")).read_head
          expect(client.read_to_end).to eq("taken")
        end
      end
    end

    it "logs what the app raises with the socket in its hands, ends the conversation, and serves on" do
      app = taking { ->(_) { raise "with the socket" } }
      serve(app, workers: 1, threads: 1) do |server, log|
        client = RawClient.open(server.url).write(RawClient.message("GET", "/"))
        expect(client.read_to_end).to eq("")
        log.wait_for(/with the socket/)
        RawClient.open(server.url) { |other| expect(other.get("/other").body).to eq("still here") }
      end
    end

    it "ends it behind what the app has written, also where its thread is ended" do
      app = shareable do
        lambda do |env|
          env["rack.hijack"].call.write("the beginning")
          env["PATH_INFO"] == "/raise" ? raise("after that") : Thread.exit
        end
      end
      serve(app) do |server, log|
        %w[/raise /exit].each do |path|
          client = RawClient.open(server.url).write(RawClient.message("GET", path))
          expect(client.read_to_end).to eq("the beginning")
        end
        log.wait_for(/after that/)
        log.wait_for(/was ended in the app's call/)
      end
    end

    it "leaves a socket that the app has closed by itself before it raises" do
      app = taking do
        lambda do |io|
          io.write("all")
          io.close
          raise "with nothing in its hands"
        end
      end
      serve(app) do |server, log|
        client = RawClient.open(server.url).write(RawClient.message("GET", "/"))
        expect(client.read_to_end).to eq("all")
        log.wait_for(/with nothing in its hands/)
      end
    end

    it "stays the app's when it returns, whatever that is" do
      app_starts_threads
      go_on = Channel.new
      app = shareable do
        lambda do |env|
          io = env["rack.hijack"].call
          Thread.new do
            go_on.pop
            io.write("after the call")
            io.close
          end
          [env["PATH_INFO"] == "/status" ? -1 : nil, nil, nil]
        end
      end
      ["/", "/status"].each do |path|
        serve(app, lint: false) do |server|
          client = RawClient.open(server.url).write(RawClient.message("GET", path))
          eventually("the app has returned") { server.stats.values_at(:hijacked, :running) == [1, 0] }
          go_on << true
          expect(client.read_to_end).to eq("after the call")
        end
      end
    end
  end
end
