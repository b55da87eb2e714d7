# frozen_string_literal: true

RSpec.describe "An error that nothing in the app has dealt with" do
  each_mode do
    let(:told) { Channel.new }
    let(:raising) { shareable { ->(env) { raise ArgumentError, "boom at #{env["PATH_INFO"]}" } } }

    describe "and lowlevel_error_handler" do
      def expect_answers(handler, answer, app = raising)
        converse(app, lint: false, lowlevel_error_handler: handler) do |client, _, log|
          2.times do
            response = client.get("/here")
            expect([response.status, response["x-own"], response.body]).to eq(answer)
          end
          log.wait_for(/boom/)
        end
      end

      {
        "the error, the env and the status" => [
          ->(error, env, status) { [status, { "x-own" => env["PATH_INFO"] }, [error.message]] },
          [500, "/here", "boom at /here"]
        ],
        "the error and the env" => [->(error, env) { [503, {}, [error.message, env["PATH_INFO"]]] },
                                    [503, nil, "boom at /here/here"]],
        "the error" => [->(error) { [503, {}, [error.class.name]] }, [503, nil, "ArgumentError"]],
        "what it likes" => [->(*given) { [503, {}, [given.size.to_s]] }, [503, nil, "3"]],
        "nothing" => [-> { [503, {}, ["sorry"]] }, [503, nil, "sorry"]],
        "a block's arguments" => [proc { |error, env| [503, {}, [error.message, env["PATH_INFO"]]] },
                                  [503, nil, "boom at /here/here"]]
      }.each do |what, (handler, answer)|
        it "is answered with what that makes of #{what}" do
          expect_answers(shareable { handler }, answer)
        end
      end

      it "is answered by an object, and by a body that has each, which is closed" do
        told = self.told
        body = Class.new do
          def initialize(told) = @told = told
          def each = [yield("from "), yield("each")]
          def close = @told << :closed
        end
        handler = shareable { ->(_) { [404, { "x-own" => "y" }, body.new(told)] } }
        expect_answers(handler, [404, "y", "from each"])
        expect([take(told), take(told)]).to eq(%w[closed closed].map(&:to_sym))
      end

      {
        "raises" => -> { raise "no handler today" },
        "ends nothing, but throws" => -> { throw :nobody },
        "answers nothing" => -> { nil },
        "answers with no headers" => -> { [500, nil, []] },
        "answers with a status that is none" => -> { ["abc", {}, []] },
        "answers with a header that can't be sent" => -> { [500, { "x-own" => "a\0b" }, ["secret"]] },
        "wants the socket" => -> { [500, { "rack.hijack" => ->(*) {} }, []] },
        "answers with a body that is none" => -> { [500, {}, Object.new] },
        "answers with a body that raises" => -> { [200, {}, Enumerator.new { |out| out << "x" and raise "half" }] }
      }.each do |what, handler|
        it "is answered with the plain 500 where it #{what}, and both errors are logged" do
          handle = shareable { handler }
          settings = { environment: "production", lowlevel_error_handler: shareable { ->(_) { handle.call } } }
          converse(raising, lint: false, **settings) do |client, _, log|
            2.times do
              response = client.get
              expect([response.status, response.body]).to eq([500, "Internal Server Error\n"])
            end
            expect(log.wait_for(/(?:^kino: an error in the app.*){4}/m)).to include("boom at /")
          end
        end
      end

      it "tells rack.response_finished what was sent, once all of it is out" do
        told = self.told
        handler = shareable { ->(error) { [503, { "x-own" => "y" }, [error.message, "x" * 30_000_000]] } }
        app = shareable do
          lambda do |env|
            env["rack.response_finished"] << lambda { |_, status, headers, error|
              told << [status, headers["x-own"], error.message]
            }
            raise "boom"
          end
        end
        serve(app, workers: 1, threads: 1, lowlevel_error_handler: handler) do |server, log|
          RawClient.open(server.url) do |client|
            client.write(RawClient.message("GET", "/")).read_head
            RawClient.open(server.url) { |other| expect(other.request("HEAD", "/").status).to eq(503) }
            take(told) # of HEAD
            expect(told).to be_empty
            client.read(30_000_004)
            expect(take(told)).to eq([503, "y", "boom"])
          end
          log.wait_for(/boom/)
        end
      end

      it "is told of a thread that the app has ended" do
        app = shareable { ->(_) { Thread.exit } }
        handler = shareable { ->(error) { [503, {}, [error.class.name]] } }
        converse(app, lowlevel_error_handler: handler) do |client, _, log|
          expect(client.get.body).to eq("ThreadError")
          log.wait_for(/Thread\.exit/)
        end
      end

      it "is not asked of what the client has done wrong" do
        handler = shareable { ->(_) { [503, {}, []] } }
        converse(Probes::Echo, stream_bodies: true, threads: 2, lowlevel_error_handler: handler) do |client, _, log|
          client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nx\r\n")
          expect(client.read_response.status).to eq(400)
          log.wait_for(/answered with 400/)
        end
      end

      it "closes the app's body all the same" do
        told = self.told
        body = shareable do
          lambda do
            Bodies::Each.new { raise "boom" }.tap { |one| one.define_singleton_method(:close) { told << :closed } }
          end
        end
        handler = shareable { ->(_) { [503, {}, ["sorry"]] } }
        app = shareable { ->(_) { [200, {}, body.call] } }
        converse(app, lint: false, lowlevel_error_handler: handler) do |client, _, log|
          expect(client.get.body).to eq("sorry")
          expect(take(told)).to eq(:closed)
          log.wait_for(/boom/)
        end
      end
    end

    describe "and on_error" do
      it "is told to each, in order, after the answer and whatever they raise" do
        told = self.told
        hooks = shareable do
          [->(error, env) { told << [error.message, env["PATH_INFO"]] }, ->(_, _) { raise "no tracker" },
           ->(error) { told << error.class.name }]
        end
        converse(raising, on_error: hooks) do |client, server, log|
          2.times do
            expect(client.get("/a").status).to eq(500)
            expect([take(told), take(told)]).to eq([["boom at /a", "/a"], "ArgumentError"])
          end
          log.wait_for(/on_error has raised: no tracker/)
          expect(server.stats[:died]).to eq(0)
        end
      end

      it "is told of bodies and callbacks, too, and of nothing that is no fault of the app" do
        told = self.told
        app = shareable do
          lambda do |env|
            case env["PATH_INFO"]
            when "/body" then [200, {}, Bodies::Each.new("x") { raise "in the body" }]
            when "/callback"
              env["rack.response_finished"] << ->(*) { raise "in a callback" }
              [200, {}, []]
            when "/gone" then raise Kino::ClientDisconnected
            else [200, {}, ["ok"]]
            end
          end
        end
        hook = shareable { ->(error, env) { told << [error.message, env&.fetch("PATH_INFO")] } }
        stop = shareable { ->(_) { raise "while stopping" } }
        serve(app, lint: false, on_error: hook, on_worker_stop: stop) do |server, log|
          %w[/body /callback /gone /].each do |path|
            request = RawClient.message("GET", path, "connection" => "close")
            RawClient.open(server.url) { |client| client.write(request).read_to_end }
          end
          expect([take(told), take(told)]).to contain_exactly(["in the body", "/body"], ["in a callback", "/callback"])
          server.stop
          expect(take(told)).to eq(["while stopping", nil])
          log.wait_for(/an error outside of any request: .*while stopping/)
        end
      end
    end

    it "has handlers that ractors can share, or they are refused before anything runs, by file and line" do
      only_in(:ractor, "threads share everything")
      require "kino"
      list = []
      %i[on_error lowlevel_error_handler].each do |name|
        server = Kino::Server.new(Probes::Echo, mode: mode, **Serving::SETTINGS, name => ->(_) { list << 1 })
        expect { server.start }
          .to raise_error(Kino::ConfigurationError, /\A#{__FILE__}:#{__LINE__ - 2}: this hook .* can't be shared/)
      end
    end
  end
end
