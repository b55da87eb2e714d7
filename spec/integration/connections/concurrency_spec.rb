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
      inside = Queue.new
      go_on = Queue.new
      app = lambda do |_|
        inside << true
        go_on.pop
        [200, {}, []]
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

    # Each way of waiting that gives up the GVL has to let the next request in.
    { "a queue" => ->(first, second) { first << 1 && second.pop },
      "a pipe" => lambda do |first, second|
        reader, writer = IO.pipe
        writing = Thread.new { writer.write(second.pop) }
        first << 1
        reader.read(1)
      ensure
        writing.join
        [reader, writer].each(&:close)
      end,
      "another thread" => ->(first, second) { first << 1 && Thread.new { second.pop }.join },
      "sleep" => ->(first, second) { first << 1 && (sleep(0.01) while second.empty?) },
      "another process" => ->(first, second) { first << 1 && (system("true") while second.empty?) },
      "nothing, but computes" => ->(first, second) { first << 1 && (Thread.pass while second.empty?) },
      "nothing, and computes without a pause" => ->(first, second) { first << 1 && (nil while second.empty?) } }
      .each do |what, wait|
      it "are let in while one waits for #{what}" do
        first = Queue.new
        second = Queue.new
        app = lambda do |env|
          env["PATH_INFO"] == "/first" ? wait.call(first, second) : second << "go on"
          [200, {}, []]
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
      app = lambda do |env|
        Thread.pass
        [200, { "x-path" => env["PATH_INFO"] }, [env["PATH_INFO"], " ", env["rack.input"].read]]
      end
      serve(app, workers: 2, threads: 3) do |server|
        answers = concurrently(8) do |client_number|
          RawClient.open(server.url) do |client|
            Array.new(100) do |n|
              path = "/#{client_number}/#{n}"
              response = client.post(path, "body of #{path}")
              [response["x-path"], response.body] == [path, "#{path} body of #{path}"]
            end
          end
        end
        expect(answers.flatten).to eq([true] * 800)
      end
    end
  end
end
