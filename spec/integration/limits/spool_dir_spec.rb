# frozen_string_literal: true

require "tmpdir"

RSpec.describe "A spool_dir that fails" do
  large = ("x" * 200_000).freeze

  each_mode do
    around { |example| Dir.mktmpdir("kino-spool") { |folder| @parent = folder and example.run } }

    it "(removed after the start) gets large bodies 503, is logged, and costs nothing else" do
      folder = File.join(@parent, "spool")
      Dir.mkdir(folder)
      serve(Probes::Echo, workers: 1, threads: 1, spool_dir: folder) do |server, log|
        Dir.rmdir(folder)
        2.times do
          RawClient.open(server.url) do |client|
            response = client.post("/", large)
            expect([response.status, response["connection"]]).to eq([503, "close"])
            expect(client).to be_closed
          end
        end
        log.wait_for(/no room in spool_dir.*No such file/)
        expect(server.stats).to include(spool_dir: 2, overloaded: 2, requests: 0, died: 0)
        expect(RawClient.open(server.url) { |client| client.post("/", "small").body }).to eq("small")

        Dir.mkdir(folder)
        expect(RawClient.open(server.url) { |client| client.post("/", large).body == large }).to be(true)
      end
    end
  end

  # The system's folder is the whole process's, too.
  describe "from the start (a read-only container)" do
    include KinoProcess::Helpers

    Serving::MODES.each do |mode|
      it "is said once, and refuses nothing but large bodies, in #{mode} mode" do
        # Whoever is root may write anywhere: so there is no folder at all here.
        write("kino.rb", "def Dir.tmpdir = raise(ArgumentError, 'could not find a temporary directory')\n")
        write("config.ru", <<~RUBY)
          # frozen_string_literal: true

          module Size
            def self.call(env) = [200, {}, [env["rack.input"].read.bytesize.to_s]]
          end
          run Size
        RUBY
        process = kino("-b", "tcp://127.0.0.1:0", *in_mode(mode), "-w", "1", "-t", "1",
                       env: { "TMPDIR" => "/nowhere/at/all" })
        RawClient.open(process.url) do |client|
          expect(client.post("/", "x" * 60_000).body).to eq("60000")
          response = client.post("/", large)
          expect([response.status, response["connection"]]).to eq([503, "close"])
        end
        expect(process.get.status).to eq(200)
        expect(process.signal(:TERM).status).to eq(0)
        expect(process.err.scan("no files can be made in spool_dir").size).to eq(mode == :processes ? 2 : 1)
        expect(process.err).to match(/no room in spool_dir.*No such file/)
      end
    end
  end

  # A limit is the whole process's, so this server has one of its own.
  describe "since files can't grow any more (RLIMIT_FSIZE)" do
    include KinoProcess::Helpers

    Serving::MODES.each do |mode|
      it "gets large bodies 503, is logged, and the server lives on, in #{mode} mode" do
        write("config.ru", <<~RUBY)
          # frozen_string_literal: true

          # A write past the limit is to fail, not to end the process. Standard output and error are pipes, without any.
          trap("XFSZ", "IGNORE")
          Process.setrlimit(:FSIZE, 100_000)
          module Size
            def self.call(env) = [200, {}, [env["rack.input"].read.bytesize.to_s]]
          end
          run Size
        RUBY
        process = kino("-b", "tcp://127.0.0.1:0", *in_mode(mode), "-w", "1", "-t", "1")
        RawClient.open(process.url) do |client|
          expect(client.post("/", "x" * 90_000).body).to eq("90000")
          response = client.post("/", large)
          expect([response.status, response["connection"]]).to eq([503, "close"])
          expect(client).to be_closed
        end
        expect(RawClient.open(process.url) { |client| client.post("/", "x" * 90_000).body }).to eq("90000")
        expect(process.signal(:TERM).status).to eq(0)
        expect(process.err).to match(/no room in spool_dir.*File too large/)
      end
    end
  end
end
