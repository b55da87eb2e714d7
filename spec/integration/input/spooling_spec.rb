# frozen_string_literal: true

require "tmpdir"

RSpec.describe "A large request body" do
  # Which files this process has open in the spool folder.
  module Spool
    def self.open(folder)
      paths = Dir["/proc/self/fd/*"].filter_map { |fd| File.readlink(fd) rescue nil }
      paths.select { |path| path.start_with?(folder) }.uniq
    end
  end

  each_mode do
    around do |example|
      Dir.mktmpdir("kino-spool") do |folder|
        @folder = File.realpath(folder)
        example.run
      end
    end

    def spooled = Spool.open(@folder)

    def pattern(size) = "0123456789abcdef!".b.*(size / 17 + 1).byteslice(0, size)

    [65_535, 65_536, 65_537, 1_000_000, 8_000_000].each do |size|
      it "of #{size} bytes arrives whole, by content-length" do
        body = pattern(size)
        expect(ask(Probes::Echo, "POST", "/", {}, body, spool_dir: @folder).body).to eq(body)
      end

      it "of #{size} bytes arrives whole, in chunks" do
        body = pattern(size)
        converse(Probes::Echo, spool_dir: @folder) do |client|
          client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
          0.step(size - 1, 9_999) do |at|
            part = body.byteslice(at, 9_999)
            client.write("#{part.bytesize.to_s(16)}\r\n#{part}\r\n")
          end
          expect(client.write("0\r\n\r\n").read_response.body).to eq(body)
        end
      end
    end

    it "lies in a file without a name while the app runs, and is gone after the answer" do
      skip "needs /proc to see open files" unless File.directory?("/proc/self/fd")

      seen = Channel.new
      folder = @folder.freeze
      app = shareable do
        lambda do |env|
          seen << [Dir.children(folder), Spool.open(folder).size, env["rack.input"].read.bytesize]
          [200, {}, []]
        end
      end
      converse(app, spool_dir: @folder) do |client|
        expect(client.post("/", pattern(200_000)).status).to eq(200)
        expect(take(seen)).to eq([[], 1, 200_000])
        eventually("the spool file is closed") { spooled.empty? }
      end
    end

    it "stays in memory up to body_buffer" do
      skip "needs /proc to see open files" unless File.directory?("/proc/self/fd")

      folder = @folder.freeze
      app = shareable { ->(_) { Probes.answer(Spool.open(folder).size) } }
      converse(app, spool_dir: @folder, body_buffer: 300_000) do |client|
        expect(Probes.read(client.post("/", pattern(300_000)))).to eq(0)
        expect(Probes.read(client.post("/", pattern(300_001)))).to eq(1)
      end
    end

    it "of a client that leaves half-way costs no worker and no file" do
      serve(Probes::Echo, spool_dir: @folder, workers: 1, threads: 1) do |server|
        5.times do
          client = RawClient.open(server.url)
          client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n#{pattern(500_000)}")
          client.abort
        end
        expect(RawClient.open(server.url) { |client| client.post("/", "still here").body }).to eq("still here")
        eventually("the spool files are closed") { spooled.empty? } if File.directory?("/proc/self/fd")
      end
    end
  end
end
