# frozen_string_literal: true

require "timeout"

RSpec.describe "The stream of a callable body" do
  each_mode do
    # An app that answers with the body that the block makes, a lambda.
    def called(headers = {}, &maker)
      body = shareable(&maker)
      Ractor.make_shareable(headers)
      shareable { ->(_) { [200, headers.dup, body] } }
    end

    it "has the methods Rack asks for, with an IO's answers" do
      told = Channel.new
      app = called do
        lambda do |stream|
          told << [stream.write("one", " two"), (stream << " three").equal?(stream), stream.flush.equal?(stream),
                   stream.closed?, stream.close, stream.closed?, stream.close]
        end
      end
      expect(ask(app, lint: false).body).to eq("one two three")
      expect(take(told)).to eq([7, true, true, false, nil, true, nil])
    end

    it "sends what is written at once" do
      go_on = Channel.new
      app = called do
        lambda do |stream|
          stream.write("first")
          go_on.pop
          stream.write("second")
          stream.close
        end
      end
      converse(app) do |client|
        client.write(RawClient.message("GET", "/")).read_head
        expect(client.read("5\r\nfirst\r\n".bytesize)).to eq("5\r\nfirst\r\n")
        go_on << true
        expect(client.read_chunks).to eq("second")
      end
    end

    it "gives the request's body to read" do
      app = called do
        lambda do |stream|
          stream.write(stream.read(2), "|", stream.read, "|", stream.read.inspect, "|", stream.read(1).inspect)
          stream.close
        end
      end
      expect(ask(app, "POST", "/", {}, "question").body).to eq("qu|estion|\"\"|nil")
    end

    it "can close its two sides apart" do
      told = Channel.new
      app = called do
        lambda do |stream|
          stream.close_read
          told << stream.closed?
          stream.write("still writes")
          stream.close_write
          told << stream.closed?
          begin
            stream.write("too late")
          rescue IOError => error
            told << error.class
          end
        end
      end
      expect(ask(app).body).to eq("still writes")
      expect(Array.new(3) { take(told) }).to eq([false, true, IOError])
    end

    it "keeps to the app's content-length" do
      app = called("content-length" => "6") do
        lambda do |stream|
          stream.write("abc")
          stream.write("def")
          stream.close
        end
      end
      converse(app) do |client|
        2.times { expect([client.get].map { |answer| [answer.framing, answer.body] }).to eq([[6, "abcdef"]]) }
      end
    end

    it "keeps the connection for the next request" do
      app = called do
        lambda do |stream|
          stream.write("again")
          stream.close
        end
      end
      converse(app) { |client| 3.times { expect(client.get.body).to eq("again") } }
    end

    it "waits for a slow client, and then goes on" do
      part = Random.bytes(100_000).freeze
      told = Channel.new
      app = called do
        lambda do |stream|
          500.times { stream.write(part) }
          stream.close
          told << :written
        end
      end
      converse(app) do |client, server|
        client.write(RawClient.message("GET", "/")).read_head
        RawClient.open(server.url).close
        expect(told).to be_empty # no more than the kernel's buffers can have been written
        expect(client.read_chunks == part * 500).to be(true)
        expect(take(told)).to be(:written)
      end
    end

    it "raises Kino::ClientDisconnected once the client has left, and logs nothing when the app lets it pass" do
      told = Channel.new
      app = called do
        lambda do |stream|
          loop { stream.write("x" * 10_000) }
        rescue StandardError => error
          told << error.class
          raise
        ensure
          stream.close
        end
      end
      serve(app, threads: 1) do |server|
        client = RawClient.open(server.url)
        client.write(RawClient.message("GET", "/")).read(50_000)
        client.abort
        expect(take(told)).to be(Kino::ClientDisconnected)
      end
    end

    it "lets the app give up on a client that does not read" do
      app_starts_threads
      told = Channel.new
      app = called do
        lambda do |stream|
          Timeout.timeout(0.2) { loop { stream.write("x" * 1_000_000) } }
        rescue Timeout::Error => error
          told << error.class
          raise
        end
      end
      serve(app, workers: 1, threads: 1) do |server, log|
        RawClient.open(server.url) do |client|
          client.write(RawClient.message("GET", "/")).read_head
          expect(take(told)).to be(Timeout::Error)
          expect(client.read_to_end).not_to end_with("0\r\n\r\n")
          log.wait_for(/Timeout::Error/)
        end
      end
    end

    describe "that the app goes on with" do
      before { app_starts_threads }

      # An app whose body returns at once, and leaves the stream to a thread that the block, a lambda, is called on.
      def handing_on(headers = {}, &work)
        shared = shareable(&work)
        called(headers) do
          lambda do |stream|
            # One that waits when its example is over is told so by an error.
            Thread.new { shared.call(stream) }.report_on_exception = false
          end
        end
      end

      it "takes no worker's time, and ends when the app closes it" do
        go_on = Channel.new
        app = handing_on do
          lambda do |stream|
            stream << "first"
            go_on.pop
            stream << "second"
            stream.close
          end
        end
        serve(app, workers: 1, threads: 1) do |server|
          clients = Array.new(20) { RawClient.open(server.url).write(RawClient.message("GET", "/")) }
          clients.each do |client|
            client.read_head
            expect(client.read("5\r\nfirst\r\n".bytesize)).to eq("5\r\nfirst\r\n")
          end
          20.times { go_on << true }
          clients.each { |client| expect(client.read_chunks).to eq("second") }
          20.times { go_on << true }
          clients.each { |client| expect(client.get.body).to eq("firstsecond") } # the connection goes on
        end
      end

      it "has the body closed, and calls back, only then" do
        told = Channel.new
        go_on = Channel.new
        app = shareable do
          lambda do |env|
            env["rack.response_finished"] << ->(_, status, _, error) { told << [status, error&.message] }
            body = Bodies::Called.new(told: told)
            body.define_singleton_method(:call) do |stream|
              Thread.new do
                failure = go_on.pop
                stream.close(*failure)
              rescue ArgumentError => error
                told << error.message
              end
            end
            [200, {}, body]
          end
        end
        converse(app, lint: false) do |client, server|
          client.write(RawClient.message("GET", "/"))
          RawClient.open(server.url).close
          expect(told).to be_empty
          go_on << []
          expect([take(told), take(told)]).to eq([:close, [200, nil]])
          expect(client.read_response.body).to eq("")

          client.write(RawClient.message("GET", "/"))
          go_on << [RuntimeError.new("half-way")]
          expect([take(told), take(told)]).to eq([:close, [200, "half-way"]])
          expect(client.read_to_end).not_to include("0\r\n\r\n")
        end
      end

      it "may read while another thread writes" do
        told = Channel.new
        app = shareable do
          lambda do |_|
            body = lambda do |stream|
              Thread.new do
                while (part = stream.read(5))
                  told << part
                end
                told << :end
                stream.close
              end
              Thread.new { 3.times { |n| stream << "part #{n}" } }.join
            end
            [200, {}, body]
          end
        end
        converse(app, lint: false, stream_bodies: true) do |client|
          client.write(RawClient.message("POST", "/", { "content-length" => "15" }))
          client.read_head
          3.times { |n| expect(client.read("6\r\npart #{n}\r\n".bytesize)).to eq("6\r\npart #{n}\r\n") }
          3.times do |n|
            client.write("say #{n}")
            expect(take(told)).to eq("say #{n}")
          end
          expect(take(told)).to be(:end)
          expect(client.read_chunks).to eq("")
          expect(client.post("/", "12345").body).to eq("part 0part 1part 2")
        end
      end

      it "gives back its place among the bodies that workers wait for" do
        app = shareable do
          lambda do |env|
            next [200, {}, [env["rack.input"].class.name]] if env["PATH_INFO"] == "/kind"

            [200, {}, ->(stream) { Thread.new { stream.write(stream.read) && stream.close } }]
          end
        end
        serve(app, lint: false, stream_bodies: true, workers: 1, threads: 2) do |server|
          clients = Array.new(3) do |number|
            client = RawClient.open(server.url).write(RawClient.message("POST", "/", { "content-length" => "4" }))
            eventually("it is handed on") { server.in_flight.size == number + 1 }
            client
          end
          RawClient.open(server.url) do |client|
            expect(client.write(RawClient.message("POST", "/kind", { "content-length" => "4" })).read_response.body)
              .to eq("Kino::StreamedInput")
          end
          clients.each { |client| expect(client.write("done").read_response.body).to eq("done") }
        end
      end

      it "tells of a client that has left" do
        told = Channel.new
        app = handing_on do
          lambda do |stream|
            stream << "first"
            told << stream.client_gone?
            loop { stream << "more" }
          rescue Kino::ClientDisconnected => error
            told << error.class << stream.client_gone?
            stream.close
          end
        end
        # Rack::Lint's wrapper knows the SPEC's methods only; so below.
        serve(app, lint: false) do |server|
          client = RawClient.open(server.url)
          client.write(RawClient.message("GET", "/")).read(50)
          expect(take(told)).to be(false)
          client.abort
          expect([take(told), take(told)]).to eq([Kino::ClientDisconnected, true])
          eventually("nothing runs") { server.stats[:running].zero? }
        end
      end

      it "does not wait for a slow client who is written to by write_nonblock" do
        told = Channel.new
        app = handing_on do
          lambda do |stream|
            sent = 0
            sent += 1 until stream.write_nonblock("x" * 100_000, exception: false) == :wait_writable
            begin
              stream.write_nonblock("more")
            rescue IO::WaitWritable => error
              told << error.class
            end
            told << sent
            stream.flush
            stream << "the end"
            stream.close
          end
        end
        converse(app, lint: false) do |client|
          client.write(RawClient.message("GET", "/")).read_head
          expect(take(told)).to be(IO::EAGAINWaitWritable)
          sent = take(told)
          expect(client.read_chunks == ("x" * 100_000 * sent) + "the end").to be(true)
        end
      end

      it "that it loses unclosed has its connection closed when it is collected" do
        not_of_processes "the collector is this process's"
        app = called { ->(_) {} }
        converse(app, lint: false) do |client, server|
          client.write(RawClient.message("GET", "/"))
          eventually("the app has lost it") do
            3.times { RawClient.open(server.url) { |other| other.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n") } }
            GC.start
            server.stats[:aborted].positive?
          end
        end
      end

      it "is ended when the server is stopped at once" do
        stops_at_once
        told = Channel.new
        app = handing_on do
          lambda do |stream|
            loop { stream << "more" }
          rescue Kino::ClientDisconnected => error
            told << error.class
          end
        end
        serve(app) do |server|
          RawClient.open(server.url) do |client|
            client.write(RawClient.message("GET", "/")).read_head
            server.stop!
            expect(take(told)).to be(Kino::ClientDisconnected)
          end
        end
      end

      it "is told of as long as it lasts, and named when a stop gives it up" do
        go_on = Channel.new
        app = handing_on do
          lambda do |stream|
            stream << "first"
            go_on.pop
            stream.close
          end
        end
        serve(app, shutdown_timeout: 1) do |server|
          RawClient.open(server.url) do |client|
            client.write(RawClient.message("GET", "/report?of=me")).read_head
            eventually("it is handed on") { server.in_flight.first&.match?(%r{\AGET /report, for [\d.]+ s\z}) }
            go_on << true
            client.read_chunks
            eventually("it is over") { server.in_flight.empty? }
            client.write(RawClient.message("GET", "/again")).read_head
            eventually("it is handed on") { server.in_flight.size == 1 }
            expect(server.stop).to be(false)
            expect(server.aborted).to contain_exactly(match(%r{\AGET /again, for [\d.]+ s\z}))
            go_on << true
          end
        end
      end

      it "is waited for when the server drains" do
        go_on = Channel.new
        app = handing_on do
          lambda do |stream|
            stream << "before "
            go_on.pop
            stream << "after"
            stream.close
          end
        end
        serve(app) do |server|
          RawClient.open(server.url) do |client|
            client.write(RawClient.message("GET", "/")).read_head
            stopping = Thread.new { server.stop }
            eventually("it drains") { refused?(server.port) }
            go_on << true
            expect(client.read_chunks).to eq("before after")
            expect(stopping.value).to be(true)
          end
        end
      end

      def refused?(port)
        TCPSocket.new("127.0.0.1", port).close
        false
      rescue Errno::ECONNREFUSED
        true
      end
    end
  end
end
