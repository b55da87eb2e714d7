# frozen_string_literal: true

require "support/kino_process"

# The open-file limit is the whole process's, so this server has one of its own.
RSpec.describe "The open-file limit (256)" do
  include KinoProcess::Helpers

  # Each of several processes has a limit of its own, and who connects chooses none.
  (Serving::MODES - [:processes]).each do |mode|
    it "is shared by connections and the files that are sent to them, so that newcomers get in, in #{mode} mode" do
      write("config.ru", <<~RUBY)
        # frozen_string_literal: true

        class LongFile
          def initialize(path) = @path = path
          def to_path = @path
          def each = raise("it is sent by its path")
        end

        module App
          PATH = File.expand_path("long").freeze

          def self.call(env)
            return [200, {}, [File.read(PATH, 3)]] unless env["PATH_INFO"] == "/long"

            [200, { "content-length" => File.size(PATH).to_s }, LongFile.new(PATH)]
          end
        end
        run App
      RUBY
      write("long", "x" * 20_000_000)
      process = kino("-b", "tcp://127.0.0.1:0", *in_mode(mode), "-w", "1", "-t", "2", rlimit_nofile: 256)
      statuses = Hash.new(0)
      clients = Array.new(150) do
        RawClient.open(process.url).tap { |client| client.write(RawClient.message("GET", "/long")) }
      end
      clients.each { |client| statuses[client.read_head[1]] += 1 }
      expect(statuses.keys).to contain_exactly(200, 503)
      expect(RawClient.open(process.url) { |client| client.get("/").body }).to eq("xxx")
      clients.each(&:close)
      expect(RawClient.open(process.url) { |client| client.request("HEAD", "/long").status }).to eq(200)
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.err).to include("answered with 503: the server has too many files open (ulimit -n)")
    end
  end
end
