# frozen_string_literal: true

RSpec.describe "Requests at the same time" do
  each_mode do
    { [1, 4] => 4, [2, 2] => 4, [4, 1] => 4, [1, 16] => 16 }.each do |(workers, threads), size|
      it "are #{size} with #{workers} workers of #{threads} threads" do
        barrier = Barrier.new(size)
        serve(barrier, workers: workers, threads: threads) do |server|
          3.times do
            expect(barrier.statuses(server.url)).to eq([200] * size)
            barrier.reset
          end
        end
      end
    end

    it "are as many as there are threads, and no more" do
      not_of_processes "each has as many, and who connects chooses none"
      inside, go_on = Channel.new, Channel.new
      app = shareable do
        lambda do |_|
          inside << true
          go_on.pop
          [200, {}, []]
        end
      end
      serve(app, workers: 1, threads: 2) do |server|
        clients = Array.new(5) { RawClient.open(server.url).write(RawClient.message("GET", "/")) }
        2.times { take(inside) }
        expect(inside).to be_empty
        5.times { go_on << true }
        expect(clients.map { |client| client.read_response.status }).to eq([200] * 5)
        clients.each(&:close)
      end
    end

    # Each way of waiting that gives up the GVL has to let the next request in; so has computing, after a while. The
    # second request says that it has come to all that its ractor runs.
    waits = shareable do
      { "a socket" => ->(second) { second.pop },
        "a queue" => lambda do |second|
          queue = Queue.new
          Thread.new { queue << second.pop }
          queue.pop
        end,
        "a pipe" => lambda do |second|
          reader, writer = IO.pipe
          writing = Thread.new { writer.write(second.pop) }
          reader.read(1)
        ensure
          writing.join
          [reader, writer].each(&:close)
        end,
        "another thread" => ->(second) { Thread.new { second.pop }.join },
        "sleep" => ->(_) { sleep(0.01) until Ractor.current[:second] },
        "another process" => ->(_) { system("true") until Ractor.current[:second] },
        "nothing, but computes" => ->(_) { Thread.pass until Ractor.current[:second] },
        "nothing, and computes without a pause" => ->(_) { nil until Ractor.current[:second] } }
    end
    waits.each do |what, wait|
      it "are let in while one waits for #{what}" do
        not_of_processes "each has a lock of its own: another serves the second request"
        first, second = Channel.new, Channel.new
        app = shareable do
          lambda do |env|
            if env["PATH_INFO"] == "/first"
              Ractor.current[:second] = nil
              first << true
              wait.call(second)
            else
              Ractor.current[:second] = true
              second << "go on"
            end
            [200, {}, []]
          end
        end
        serve(app, threads: 3) do |server|
          waiting = RawClient.open(server.url).write(RawClient.message("GET", "/first"))
          take(first)
          expect(RawClient.open(server.url) { |client| client.get("/second").status }).to eq(200)
          expect(waiting.read_response.status).to eq(200)
          waiting.close
        end
      end
    end

    it "keep their answers apart, whoever asks how often" do
      app = shareable do
        lambda do |env|
          Thread.pass
          [200, { "x-path" => env["PATH_INFO"] }, [env["PATH_INFO"], " ", env["rack.input"].read]]
        end
      end
      serve(app, workers: 2, threads: 3) do |server|
        answers = concurrently(8) do |client_number|
          right = 0
          RawClient.visit(server.url, 100) do |client, n|
            path = "/#{client_number}/#{n}"
            response = client.post(path, "body of #{path}")
            right += 1 if [response["x-path"], response.body] == [path, "#{path} body of #{path}"]
            response
          end
          right
        end
        expect(answers).to eq([100] * 8)
      end
    end
  end
end
