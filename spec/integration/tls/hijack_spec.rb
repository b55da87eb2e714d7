# frozen_string_literal: true

RSpec.describe "A socket that an app takes of a client that speaks TLS" do
  def secure(app, **settings, &)
    serve(app, bind: ["ssl://127.0.0.1:0"], tls: TLS.made.given, handshake_timeout: Eventually::DEADLINE, **settings, &)
  end

  # An app that takes it and goes on with it on a thread of its own.
  def taking(&use)
    work = shareable(&use)
    shareable do
      lambda do |env|
        io = env["rack.hijack"].call
        Thread.new { work.call(io) }
        [200, {}, []]
      end
    end
  end

  def ask_at(server) = RawClient.open(server.url).write(RawClient.message("GET", "/"))

  each_mode do
    before { app_starts_threads }

    it "is a socket like any other: what is written comes, however much, and ends do, too" do
      app = taking do
        lambda do |io|
          io.write("#{io.class.superclass} ")
          size = Integer(io.gets)
          io.write(io.read(size))
          io.write("end") if io.read(1).nil?
          io.close
        end
      end
      secure(app) do |server|
        client = ask_at(server)
        expect(client.read(11)).to eq("UNIXSocket ")
        body = Random.new(2).bytes(2_000_000)
        writer = Thread.new { client.write("#{body.bytesize}\n").write(body) }
        expect(client.read(body.bytesize) == body).to be(true)
        writer.join
        client.socket.io.close_write
        expect(server.stats[:hijacked]).to eq(1)
        client.close
      end
    end

    it "waits for a client that does not read, and loses nothing" do
      app = taking do
        lambda do |io|
          io.write("x" * 3_000_000)
          io.close
        end
      end
      secure(app) do |server|
        client = ask_at(server)
        sleep 0.1
        expect(client.read_to_end).to eq("x" * 3_000_000)
      end
    end

    it "ends for the app when the client leaves" do
      told = Channel.new
      app = shareable do
        lambda do |env|
          io = env["rack.hijack"].call
          Thread.new { told << (io.read(1).nil? ? "ended" : "more") }
          [200, {}, []]
        end
      end
      secure(app) do |server|
        client = ask_at(server)
        eventually("it was taken") { server.stats[:hijacked] == 1 }
        client.abort
        expect(take(told)).to eq("ended")
      end
    end

    it "outlives a server that stops" do
      app = taking { ->(io) { io.write(io.readpartial(10)) } }
      client = nil
      secure(app) do |server|
        only_in :threaded, "the app's threads end with their ractor" if mode == :ractor
        not_of_processes("their end is their sockets'")
        client = ask_at(server)
        eventually("it was taken") { server.stats[:hijacked] == 1 }
      end
      expect(client.write("after").read(5)).to eq("after")
      client.close
    end
  end

  each_mode do
    it "outlives the worker, too, and its ractor, for whoever has the descriptor" do
      given = Channel.new
      app = shareable do
        lambda do |env|
          io = env["rack.hijack"].call
          io.autoclose = false
          given << io.fileno
          [200, {}, []]
        end
      end
      client = io = nil
      secure(app) do |server|
        not_of_processes("their end is their sockets'")
        client = ask_at(server)
        io = UNIXSocket.for_fd(take(given))
        eventually("it was taken") { server.stats[:hijacked] == 1 }
      end
      client.write("after")
      expect(io.readpartial(10)).to eq("after")
      io.write("wards")
      expect(client.read(5)).to eq("wards")
      io.close
      expect(client).to be_closed
    end
  end
end
