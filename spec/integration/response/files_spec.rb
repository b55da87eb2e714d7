# frozen_string_literal: true

require "tmpdir"

RSpec.describe "A body that is a file" do
  each_mode do
    # Yields the path of a file, and an app that answers with it.
    def with_file(content, headers = {})
      Ractor.make_shareable(headers)
      Dir.mktmpdir do |folder|
        path = File.join(folder, "file").freeze
        File.binwrite(path, content)
        yield path, shareable { ->(_) { [200, headers.dup, Bodies::Filed.new(path)] } }
      end
    end

    [0, 1, 4096, 65_536, 65_537, 1_000_000, 10_000_000].each do |size|
      it "arrives whole with #{size} bytes, and the connection goes on" do
        content = Random.bytes(size)
        with_file(content) do |_, app|
          converse(app) do |client|
            2.times do
              answer = client.get
              expect([answer.framing, answer.body == content]).to eq([size, true])
            end
          end
        end
      end
    end

    it "is not sent for HEAD, but its length is" do
      with_file("x" * 100_000) do |_, app|
        converse(app) do |client|
          answer = client.request("HEAD", "/")
          expect([answer["content-length"], answer.body]).to eq(["100000", ""])
          expect(client.get.framing).to eq(100_000)
        end
      end
    end

    it "is not sent past the app's content-length" do
      [100, 50_000].each do |stated|
        with_file("x" * 100_000, { "content-length" => stated.to_s }) do |_, app|
          converse(app, lint: false) do |client, _, log|
            expect(client.get.body).to eq("x" * stated)
            expect(client).to be_closed
            log.wait_for(/longer than its content-length of #{stated}/)
          end
        end
      end
    end

    it "that is shorter than the app's content-length has its connection closed" do
      with_file("x" * 100_000, { "content-length" => "100001" }) do |_, app|
        converse(app, lint: false) do |client, _, log|
          expect(client.write(RawClient.message("GET", "/")).read_to_end.bytesize).to be <= 100_000 + 200
          log.wait_for(/shorter than its content-length: 100000 of 100001 bytes/)
        end
      end
    end

    it "that becomes shorter while it is sent has its connection closed, so that the client can tell" do
      with_file("x" * 40_000_000) do |path, app|
        converse(app) do |client, server, log|
          client.write(RawClient.message("GET", "/")).read(1_000_000)
          File.truncate(path, 1_500_000)
          expect { client.read(40_000_000) }.to raise_error(RawClient::Truncated)
          log.wait_for(/became shorter while it was sent/)
          eventually("it is counted") { server.stats[:aborted] == 1 }
        end
      end
    end

    it "may be removed, and another take its name, while it is sent" do
      with_file("old" * 10_000_000) do |path, app|
        converse(app) do |client|
          client.write(RawClient.message("GET", "/")).read_head
          File.unlink(path)
          File.binwrite(path, "new")
          expect(client.read(30_000_000) == "old" * 10_000_000).to be(true)
        end
      end
    end

    it "that can't be read is a 500, logged" do
      with_file("secret") do |path, app|
        File.unlink(path)
        Dir.mkdir(path)
        gone = shareable { ->(_) { [200, {}, Bodies::Filed.new(path)] } }
        converse(gone) { |client| expect(client.request("HEAD", "/").status).to eq(200) } # by each, as it is no file
        Dir.rmdir(path)
        File.symlink("/nowhere", path)
        converse(app, lint: false) do |client, _, log|
          expect(client.get.status).to eq(500)
          log.wait_for(/ENOENT/)
        end
      end
    end

    it "holds no worker while its client reads slowly" do
      with_file("x" * 30_000_000) do |_, app|
        serve(app, workers: 1, threads: 1) do |server|
          slow = Array.new(5) { RawClient.open(server.url).write(RawClient.message("GET", "/")) }
          slow.each(&:read_head)
          RawClient.open(server.url) do |client|
            expect(client.request("HEAD", "/")["content-length"]).to eq("30000000")
          end
          slow.each { |client| expect(client.read(30_000_000).bytesize).to eq(30_000_000) }
        end
      end
    end

    # The kernel asks for more once a good part of what it holds is sent, which takes longer than write_timeout.
    it "is sent to a client that reads it bit by bit, though it takes longer than write_timeout" do
      content = Random.bytes(30_000_000)
      with_file(content) do |_, app|
        converse(app, write_timeout: 1) do |client, server|
          client.write(RawClient.message("GET", "/")).read_head
          slowly = Array.new(15) do
            sleep 0.2 # what makes it slow
            client.read(200_000)
          end
          got = slowly.join << client.read(content.bytesize - 3_000_000)
          expect([got == content, server.stats[:write_timeout]]).to eq([true, 0])
        end
      end
    end

    it "is given up when its client has read nothing for write_timeout" do
      with_file("x" * 30_000_000) do |_, app|
        converse(app, write_timeout: 0.5) do |client, server|
          client.write(RawClient.message("GET", "/")).read_head
          eventually("it is given up") { server.stats[:connections].zero? }
          expect(server.stats).to include(write_timeout: 1, aborted: 1)
          expect(client.read_to_end.bytesize).to be < 30_000_000
        end
      end
    end

    it "is called back for after its last byte" do
      told = Channel.new
      with_file("x" * 30_000_000) do |path, _|
        app = shareable do
          lambda do |env|
            env["rack.response_finished"] << ->(_, status, _, error) { told << [status, error&.class] }
            [200, {}, Bodies::Filed.new(path)]
          end
        end
        converse(app) do |client, server|
          client.write(RawClient.message("GET", "/")).read_head
          RawClient.open(server.url).close
          expect(told).to be_empty
          client.read(30_000_000)
          expect(take(told)).to eq([200, nil])
        end
      end
    end
  end
end
