# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "a second signal while kino goes on for drain_delay" do
  include KinoProcess::Helpers

  each_mode do
    it "ends the delay, and lets what runs finish all the same" do
      File.mkfifo("#{folder}/go")
      write("kino.rb", "drain_delay 3000\nshutdown_timeout 6000\n")
      write("config.ru", <<~'RUBY')
        module App
          def self.call(env)
            return [200, {}, ["hello"]] if env["PATH_INFO"] == "/"

            $stdout.puts "inside"
            $stdout.flush
            [200, {}, [File.read("go")]]
          end
        end
        run App
      RUBY
      process = kino("-b", "tcp://127.0.0.1:0", "-w", "1", "-t", "2", *in_mode(mode))
      client = RawClient.open(process.url)
      client.write(RawClient.message("GET", "/wait"))
      process.wait_for(/^inside$/)
      process.signal(:TERM).wait_for(/^Stopping/)
      eventually("answers end their connections") { process.get["connection"] == "close" }
      # Within a second it is the same wish, and one that comes later another.
      eventually("the delay is over") do
        process.signal(:TERM)
        sleep(0.3)
        process.out.include?("Draining at once")
      end
      eventually("the port is closed") { refused?(process.url) }
      File.write("#{folder}/go", "went")
      expect(client.read_response.body).to eq("went")
      expect(process.status).to eq(0)
    end
  end
end
