# frozen_string_literal: true

require "json"
require "socket"
require "zlib"
require_relative "../../support/kino_processes"

# A tracker of errors as apps have it: Sentry's gem, told by on_error, and a server that takes what it reports.
RSpec.describe "on_error with Sentry's gem" do
  include KinoProcesses

  folders = [*Gem.path, "/usr/share/rubygems-integration/all"].map { |path| "#{path}/gems/sentry-ruby-core-*/lib" }
  library = ENV.fetch("SENTRY_LIB", nil) || Dir.glob(folders).max

  # What is reported, an event each.
  def reports(server)
    events = Thread::Queue.new
    thread = Thread.new do
      loop { Thread.new(server.accept) { |client| take(client, events) } }
    end
    thread.report_on_exception = false
    yield events
  ensure
    thread&.kill
  end

  def take(client, events)
    head = client.readpartial(65_536)
    head << client.readpartial(65_536) until head.include?("\r\n\r\n")
    head, body = head.split("\r\n\r\n", 2)
    body << client.readpartial(65_536) until body.bytesize >= head[/^content-length: (\d+)/i, 1].to_i
    body = Zlib.gunzip(body) if head.match?(/^content-encoding: gzip/i)
    body.each_line do |line|
      event = JSON.parse(line)
      events << event if event["exception"]
    end
    client.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
  ensure
    client.close
  end

  # Class and message of an error, and where it was raised.
  def told(events)
    error = events.pop(timeout: Eventually::DEADLINE) || raise("nothing is reported")
    value = error.dig("exception", "values").last
    [value["type"], value["value"], value.dig("stacktrace", "frames").to_a.last&.fetch("lineno"),
     error.dig("request", "url").to_s[%r{/[^/]*\z}]]
  end

  before do
    skip "Sentry's gem (Debian: ruby-sentry-ruby-core) isn't installed" unless library

    write("config.ru", <<~'RUBY')
      require "sentry-ruby"
      Sentry.init do |config|
        config.dsn = File.read("dsn")
        config.logger = Logger.new(File::NULL)
        config.background_worker_threads = 0
      end
      run lambda { |env|
        case env["PATH_INFO"]
        when "/raise" then raise ArgumentError, "broken"
        when "/late"
          body = Enumerator.new do |out|
            out << "begun"
            raise IOError, "broken off"
          end
          [200, {}, body]
        when "/sleep" then sleep
        else [200, {}, ["fine"]]
        end
      }
    RUBY
    write("kino.rb", <<~'RUBY')
      request_timeout 0.5
      shutdown_timeout 1
      on_error do |error, env|
        Sentry.with_scope do |scope|
          scope.set_rack_env(env) if env
          Sentry.capture_exception(error)
        end
      end
    RUBY
  end

  [1, 2].each do |number|
    it "reports what the app raises, also once its answer has begun, and where it is late, with #{number} processes" do
      TCPServer.open("127.0.0.1", 0) do |server|
        write("dsn", "http://key@127.0.0.1:#{server.addr[1]}/1")
        reports(server) do |events|
          process = start_processes(number, env: { "RUBYLIB" => library, "RACK_ENV" => "production" })
          RawClient.open(process.url) { |client| expect(client.get("/raise").status).to eq(500) }
          expect(told(events)).to eq(["ArgumentError", "broken", 9, "/raise"])
          RawClient.open(process.url) { |client| client.write(RawClient.message("GET", "/late")).read_to_end }
          expect(told(events)).to eq(["IOError", "broken off", 13, "/late"])
          RawClient.open(process.url) { |client| expect(client.get("/sleep").status).to eq(504) }
          expect(told(events))
            .to match(["Kino::RequestTimeoutError", %r{\Athe app has not begun to answer GET /sleep}, 16, "/sleep"])
        end
      end
    end
  end
end
