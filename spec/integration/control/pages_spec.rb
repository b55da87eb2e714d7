# frozen_string_literal: true

require "open3"
require_relative "../../support/control_socket"

RSpec.describe "What a server tells at its control socket" do
  include ControlSocket

  each_mode do
    let(:busy) { BusyApp.new }
    let(:processes) { mode == :processes ? ForkedServer::PROCESSES : 1 }

    def serving(**settings)
      serve(busy, control: control, lint: false, **settings) do |server, log|
        eventually("it is ready") { control_get("/ready").status == 200 }
        yield server, log
      end
    end

    def get(server, path = "/") = RawClient.open(server.url) { |client| client.get(path) }

    describe "/stats" do
      it "has numbers of the server, in sum and by process" do
        serving do |server|
          3.times { get(server) }
          stats = eventually("all are counted") do
            told = control_json("/stats")
            told if told["sum"]["counters"]["answered"] == 3 && told["processes"].all? { |one| one["gc"] }
          end
          expect(stats["server"]).to match(
            "version" => Kino::VERSION, "pid" => Integer, "uptime" => Float, "ready" => true, "processes" => processes,
            "processes_ended" => 0
          )
          expect(stats["sum"]).to match(
            "queue" => 0, "workers" => { "all" => 3 * processes, "busy" => 0, "idle" => 3 * processes, "stuck" => 0 },
            "memory" => { "pss" => Integer, "rss" => Integer }, "descriptors" => Integer,
            "counters" => hash_including("accepted" => 3, "requests" => 3, "health" => 0, "kept_bytes" => 0)
          )
          one = stats["processes"].first
          expect(one.keys).to eq(%w[process pid state ready uptime beat mode ruby connections queue workers memory
                                    descriptors gc counters])
          expect(one).to include("process" => 1, "state" => "ready", "ready" => true,
                                 "mode" => mode == :ractor ? "ractor" : "threaded", "ruby" => "ruby #{RUBY_VERSION}")
          expect(one["gc"]).to include("age" => Float, "count" => (1..), "heap_live_slots" => (1000..),
                                       "threads" => (1..))
        end
      end
    end

    describe "/requests" do
      it "has what is in flight, with how far it has come" do
        serving(threads: 1) do |server|
          held = busy.occupy(server, "/wait")
          waiting = Array.new(4 * processes) { RawClient.open(server.url).write(RawClient.message("GET", "/a?secret")) }
          begun = "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf"
          reading = RawClient.open(server.url).write(begun)
          told = eventually("all are seen") do
            found = control_json("/requests")["requests"].group_by { |one| one["phase"] }
            found if found["running"] && found["reading"] && (mode == :processes || found["queued"])
          end
          expect(told["running"]).to include(include("method" => "GET", "path" => "/wait", "worker" => Integer,
                                                     "process" => Integer, "peer" => "127.0.0.1", "age" => Float))
          expect(told["reading"]).to include(include("method" => "POST", "path" => "/upload", "worker" => nil))
          expect(told["queued"]).to all(include("method" => "GET", "path" => "/a")) if told["queued"]
          text = control_get("/requests?format=text")
          expect(text["content-type"]).to start_with("text/plain")
          expect(text.body).to match(%r{^ +AGE +PHASE.+\n.*running .*GET /wait$}m)
          expect(text.body).not_to include("secret")
          (waiting.size + 1).times { busy.go_on }
          [held, *waiting, reading].each(&:close)
        end
      end

      it "names what a client still reads, and the worker that has answered it" do
        long = shareable { ->(_) { [200, {}, ["a" * 30_000_000]] } }
        serve(long, control: control, lint: false) do |server|
          slow = RawClient.open(server.url).write(RawClient.message("GET", "/long?secret"))
          told = eventually("it is seen") do
            control_json("/requests")["requests"].find { |one| one["phase"] == "writing" }
          end
          expect(told).to include("method" => "GET", "path" => "/long", "worker" => Integer, "peer" => "127.0.0.1")
          slow.close
        end
      end

      it "has where threads are, on request" do
        serving do |server|
          held = busy.occupy(server, "/wait")
          told = control_json("/requests?backtrace=1")["threads"]
          expect(told).to all(include("available" => true))
          text = told.map { |one| one["backtraces"] }.join
          expect(text).to include(mode == :ractor ? "doesn't tell any thread's backtrace" : "busy_app.rb")
          busy.go_on
          held.close
        end
      end

      it "says what the formats are" do
        serving do
          expect(control_get("/requests?format=xml"))
            .to have_attributes(status: 400, body: "format: given \"xml\", allowed: json or text; write ?format=text\n")
        end
      end
    end

    describe "/metrics" do
      # What stands there, by name and labels.
      def metrics
        lines = control_get("/metrics").body.lines(chomp: true).grep_v(/^#/)
        lines.to_h { |line| line.rpartition(" ").values_at(0, 2) }
      end

      # The format, as far as it can be told without Prometheus itself.
      def check(text)
        kinds = {}
        text.each_line(chomp: true) do |line|
          case line
          when /\A# HELP kino_\w+ [A-Z].*\.\z/ then nil
          when /\A# TYPE (kino_\w+) (counter|gauge|histogram)\z/
            expect(kinds).not_to include($1)
            kinds[$1] = $2
          when /\A(kino_\w+)(\{(?:\w+="[^"\\\n]*",?)+\})? (?:\d+(?:\.\d+)?(?:e-?\d+)?)\z/
            name = $1
            kind = kinds[name] || kinds[name.sub(/_(?:bucket|sum|count)\z/, "")]
            expect(kind).not_to be_nil, line
            expect(name).to end_with("_total") if kind == "counter"
          else raise "no line of that format: #{line}"
          end
        end
      end

      it "counts requests, and how long they took, in a text that Prometheus reads" do
        serving do |server, log|
          3.times { get(server, "/fine") }
          log.allow # it says what was refused
          RawClient.open(server.url) { |client| client.get("/", "content-length" => %w[1 2]) }
          told = eventually("all are counted") do
            found = metrics
            found if found['kino_requests_total{status="2xx"}'] == "3" && found["kino_ready"] == "1"
          end
          expect(told['kino_requests_total{status="4xx"}']).to eq("1")
          eventually("why is counted") { metrics['kino_refused_total{status="400",cause="malformed"}'] == "1" }
          %w[request_queue_seconds request_app_seconds request_duration_seconds].each do |name|
            expect(told.fetch("kino_#{name}_count")).to eq("3")
            expect(told.fetch("kino_#{name}_bucket{le=\"+Inf\"}")).to eq("3")
            buckets = told.filter_map { |key, value| value.to_i if key.start_with?("kino_#{name}_bucket") }
            expect(buckets).to eq(buckets.sort)
          end
          expect(told.fetch("kino_response_size_bytes_sum").to_i).to be >= 15
          text = control_get("/metrics")
          expect(text["content-type"]).to eq("text/plain; version=0.0.4; charset=utf-8")
          check(text.body)
        end
      end

      it "passes promtool" do
        promtool = ENV.fetch("PROMTOOL", nil) || ENV["PATH"].split(":").map { |path| "#{path}/promtool" }
                                                            .find { |path| File.executable?(path) }
        skip "promtool (Debian: prometheus) isn't installed" unless promtool
        serving do |server|
          get(server)
          out, status = Open3.capture2e(promtool, "check", "metrics", stdin_data: control_get("/metrics").body)
          expect(status).to be_success, out
          expect(out).to eq("")
        end
      end
    end
  end
end
