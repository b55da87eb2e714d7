# frozen_string_literal: true

require "net/http"

RSpec.describe "Kino::TestServer" do
  # What Kino logs of errors is shown elsewhere.
  around do |example|
    require "kino"
    ErrorLog.capture { |log| log.allow && example.run }
  end

  each_mode(of_one_process: true) do
    let(:app) do
      shareable do
        lambda do |env|
          case env["PATH_INFO"]
          when "/raise" then raise ArgumentError, "boom"
          when "/body" then [200, {}, Bodies::Each.new("x") { raise IOError, "in the body" }]
          when "/gone" then raise Kino::ClientDisconnected
          else [200, { "x-environment" => env["SERVER_NAME"] }, ["hello"]]
          end
        end
      end
    end

    def start(app = self.app, **settings, &) = Kino::TestServer.start(app, mode: mode, **settings, &)

    def get(url, path = "/") = Net::HTTP.get_response(URI("#{url}#{path}"))

    it "listens on a free port, gives the block its address, and answers what the block does" do
      seen = nil
      expect(start do |url, server|
        seen = [url, server]
        [server.server.mode, get(url).body, server.errors]
      end).to eq([mode, "hello", []])
      url, server = seen
      expect([url, server.port]).to match([%r{\Ahttp://127\.0\.0\.1:\d+\z}, URI(url).port])
      expect(server.server).not_to be_running
      expect { get(url) }.to raise_error(Errno::ECONNREFUSED)
    end

    it "listens where it is told to" do
      free = TCPServer.open("127.0.0.1", 0) { |one| one.addr[1] }
      expect(start(port: free) { |_, server| server.port }).to eq(free)
      expect(start(host: "127.0.0.2") { |url| [URI(url).host, get(url).body] }).to eq(%w[127.0.0.2 hello])
      Dir.mktmpdir { |folder| expect(start(bind: "unix://#{folder}/x.sock") { |url| url }).to start_with("unix:///") }
    end

    it "raises at the end of the block what the app has raised, once the client has a plain 500" do
      status = nil
      expect { start { |url| status = get(url, "/raise").then { |answer| [answer.code, answer.body] } } }
        .to raise_error(ArgumentError, "boom") { |error| expect(error.backtrace.first).to start_with(__FILE__) }
      expect(status).to eq(["500", "Internal Server Error\n"])
    end

    it "raises it in place of what the block raises, which is then its cause" do
      expect { start { |url| expect(get(url, "/raise").code).to eq("200") } }
        .to raise_error(ArgumentError, "boom") do |error|
          expect(error.cause).to be_a(RSpec::Expectations::ExpectationNotMetError)
        end
      expect { start { raise KeyError, "of the test" } }.to raise_error(KeyError, "of the test")
      expect(catch(:done) { start { throw :done, 3 } }).to eq(3)
    end

    it "raises none that the test has asked for" do
      told = start do |url, server|
        3.times { get(url, "/raise") }
        [server.errors.map { |error| [error.class, error.message] }, server.errors]
      end
      expect(told).to eq([[[ArgumentError, "boom"]] * 3, []])
    end

    it "tells of each error once, of bodies and callbacks too, and of nothing that is no fault of the app's" do
      server = start
      2.times { get(server.url, "/raise") }
      get(server.url, "/gone")
      expect { get(server.url, "/body") }
        .to(raise_error { |error| expect(error).to be_a(EOFError).or be_a(SystemCallError) })
      expect { server.stop }.to raise_error(ArgumentError)
      expect(server.stop).to be_nil
    end

    it "has all of them when it has stopped" do
      hooked = shareable do
        ->(env) { env["rack.response_finished"] << ->(*) { raise KeyError, "late" } and [200, {}, []] }
      end
      server = start(hooked)
      get(server.url)
      expect { server.stop }.to raise_error(KeyError, "late")
    end

    it "waits for requests that have begun" do
      entered, go_on = Channel.new, Channel.new
      app = shareable do
        lambda do |_|
          entered << true
          go_on.pop
          [200, {}, ["late"]]
        end
      end
      answer = nil
      start(app) do |url|
        answer = Thread.new { get(url).body }
        take(entered)
        Thread.new do
          sleep 0.1 # in which the block ends
          go_on << true
        end
      end
      expect(answer.value).to eq("late")
    end

    it "names those that it has waited for in vain" do
      entered, go_on = Channel.new, Channel.new
      app = shareable do
        lambda do |_|
          entered << true
          go_on.pop
          [200, {}, ["too late"]]
        end
      end
      server = start(app)
      client = RawClient.open(server.url).write(RawClient.message("GET", "/slow"))
      take(entered)
      expect { server.stop(0.1) }.to raise_error(Kino::Error, %r{\Arequests still ran 0\.1 s .*: GET /slow, for })
      go_on << true
      client.close
    end

    it "tells on_error, too, and takes settings that are wrong as a Configuration does" do
      told = Channel.new
      hook = shareable { ->(error) { told << error.message } }
      expect { start(on_error: hook) { |url| get(url, "/raise") } }.to raise_error(ArgumentError)
      expect(take(told)).to eq("boom")
      expect { start(treads: 3) }.to raise_error(Kino::ConfigurationError, /did you mean threads/)
      expect { start(3) }.to raise_error(ArgumentError, /no Rack app/)
    end
  end

  it "has errors of threads as they are, with their causes" do
    app = lambda do |_|
      Integer("x")
    rescue ArgumentError
      raise KeyError, "boom"
    end
    expect { Kino::TestServer.start(app) { |url| Net::HTTP.get(URI(url)) } }
      .to raise_error(KeyError) { |error| expect(error.cause).to be_a(ArgumentError) }
  end

  it "has in :ractor mode what can't leave a ractor in words" do
    skip "only with ractors" unless Serving::MODES.include?(:ractor)

    app = shareable do
      lambda do |_|
        error = ArgumentError.new("boom")
        error.instance_variable_set(:@x, -> {})
        raise error
      end
    end
    errors = Kino::TestServer.start(app, mode: :ractor) do |url, server|
      Net::HTTP.get(URI(url))
      server.errors
    end
    expect(errors.map { |error| [error.class, error.message] }).to eq([[Kino::Error, "boom (ArgumentError)"]])
  end

  it "is not disturbed by what a child that the app has forked raises" do
    app = lambda do |_|
      Process.wait(fork { raise "in the child" })
      [200, {}, ["parent"]]
    end
    expect(Kino::TestServer.start(app) { |url| Net::HTTP.get(URI(url)) }).to eq("parent")
  end
end
