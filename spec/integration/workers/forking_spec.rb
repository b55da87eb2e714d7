# frozen_string_literal: true

require "support/kino_process"

# A child of fork has its parent's memory and descriptors, but of its threads only the one that has forked.
RSpec.describe "An app that forks" do
  include KinoProcess::Helpers

  # Serves the app in a process of its own, which says on its standard output what children come to.
  def serving(app, threads: 2)
    write("config.ru", "$stdout.sync = true\nrun(#{app})\n")
    process = kino("-m", "threaded", "-w", "1", "-t", threads.to_s, "-b", "tcp://127.0.0.1:0")
    yield process
  ensure
    process&.kill
  end

  # The app forks without a block, and the child goes on in the middle of a worker.
  {
    "exits" => ["exit(3)", 3],
    "raises" => ["raise('in the child')", 1],
    "ends its thread" => ["Thread.exit", 0],
    "throws" => ["throw :nobody_catches", 1],
    "goes on, and answers" => ["next [200, {}, ['the child']]", 0],
    "goes on, and streams" => ["next [200, {}, ->(stream) { stream.write('the child') && stream.close }]", 0],
    "goes on, and takes the socket" => ["env['rack.hijack'].call.write('the child')", 1],
    "reads the body" => ["env['rack.input'].read && exit(5)", 5]
  }.each do |what, (child, status)|
    it "has the parent's answer sent, once, when the child #{what}" do
      serving(<<~RUBY) do |process|
        lambda do |env|
          pid = fork
          #{child} if pid.nil?
          Process.wait(pid)
          [200, {}, ["child \#{$?.exitstatus.inspect}"]]
        end
      RUBY
        RawClient.open(process.url) do |client|
          3.times { expect(client.post("/", "a body").body).to eq("child #{status}") }
        end
      end
    end
  end

  [1, 2].each do |processes|
    it "ends a child by a signal that the server itself would take for its own (processes #{processes})" do
      write("config.ru", <<~'RUBY')
        run lambda { |env|
          next [200, {}, [Process.pid.to_s]] if env["PATH_INFO"] == "/"

          ready, told = IO.pipe
          child = fork { told.write("here") && sleep }
          told.close
          ready.readpartial(4)
          Process.kill(env["QUERY_STRING"], child)
          Process.wait(child)
          [200, {}, [$?.termsig.to_s]]
        }
      RUBY
      process = kino("-m", "threaded", "-t", "2", "-b", "tcp://127.0.0.1:0", "--processes", processes.to_s)
      process.wait_for(/^Ctrl-C/)
      before = RawClient.open(process.url) { |client| client.get("/").body }

      %w[TERM INT QUIT HUP USR1 USR2].each do |name|
        RawClient.open(process.url) do |client|
          expect([name, client.get("/child?#{name}").body]).to eq([name, Signal.list.fetch(name).to_s])
        end
      end
      expect(RawClient.open(process.url) { |client| client.get("/").body }).to eq(before) if processes == 1
      expect(process.out).not_to match(/Stopping|Restarting/)
      expect(process.signal(:TERM).status).to eq(0)
    ensure
      process&.kill
    end
  end

  it "has children that come and go while others are served: none hangs, and each request has its own answer" do
    serving(<<~'RUBY', threads: 4) do |process|
      lambda do |env|
        next [200, {}, [env["PATH_INFO"]]] unless env["PATH_INFO"].start_with?("/fork")

        pid = fork { exit!(4) }
        Process.wait(pid)
        [200, {}, ["#{env["PATH_INFO"]} #{$?.exitstatus}"]]
      end
    RUBY
      concurrently(4) do |number|
        RawClient.open(process.url) do |client|
          40.times do |round|
            path = "#{"/fork" if (round % 2).zero?}/#{number}/#{round}"
            expect(client.get(path).body).to eq("#{path}#{" 4" if (round % 2).zero?}")
          end
        end
      end
    end
  end

  it "may have its child start a server of its own, whatever the parent is at" do
    serving(<<~'RUBY') do |process|
      lambda do |env|
        next [200, {}, Array.new(300) { |n| "#{n}" * 20_000 }] if env["PATH_INFO"] == "/slow"

        pid = fork do
          require "net/http"
          GC.start
          server = Kino::Server.new(->(_) { [200, {}, ["of the child"]] }, port: 0, threads: 2).start
          GC.compact
          10.times { exit!(9) unless Net::HTTP.get(URI(server.url)) == "of the child" && GC.start.nil? }
          exit!(server.stop ? 6 : 7)
        end
        Process.wait(pid)
        [200, {}, [$?.exitstatus.inspect]]
      end
    RUBY
      slow = RawClient.open(process.url)
      slow.write(RawClient.message("GET", "/slow"))
      RawClient.open(process.url) { |client| expect(client.get("/").body).to eq("6") }
      expect(slow.read_response.body.bytesize).to eq(Array.new(300) { |n| n.to_s.size * 20_000 }.sum)
      slow.close
    end
  end
end
