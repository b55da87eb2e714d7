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
  end
end
