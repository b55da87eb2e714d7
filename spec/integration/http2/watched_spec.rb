# frozen_string_literal: true

require "json"
require_relative "../../support/control_socket"
require_relative "../../support/http2_client"

# What a server tells of requests that come by HTTP/2, with TLS and without.
RSpec.describe "Requests over HTTP/2, to those who watch" do
  include ControlSocket

  def path = "#{File.dirname(@control)}/access.log"

  def entries(count)
    eventually("there are #{count} lines") { File.file?(path) && File.read(path).count("\n") >= count }
    File.readlines(path).map { |line| JSON.parse(line) }
  end

  def by_tls
    { bind: ["ssl://127.0.0.1:0"], tls: TLS.made.given, handshake_timeout: Eventually::DEADLINE }
  end

  def connected(server, secure)
    return Http2Client.open(server.url) { |client| yield client } unless secure

    socket = TLS.connect(RawClient.connect(server.url.sub("https", "http"))) do |context|
      context.alpn_protocols = %w[h2]
    end
    client = Http2Client.new(RawClient.new(socket))
    yield client
  ensure
    client&.close
  end

  each_mode do
    { "without TLS" => false, "over TLS" => true }.each do |how, secure|
      context how do
        let(:app) { BusyApp.new }

        def watched(secure, **settings)
          more = secure ? by_tls : { http2: true }
          serve(app, lint: false, control: control, access_log: path, access_log_format: :json, **more,
                     **settings) do |server, log|
            eventually("it is ready") { control_get("/ready").status == 200 }
            connected(server, secure) { |client| yield client, server, log }
          end
        end

        it "have a line each, with all that is known of them" do
          watched(secure, filter_query: %w[token], request_id: true) do |client|
            client.request(1, "GET", "/a?token=x&b=1", { "user-agent" => "agent", "referer" => "http://x/?token=y",
                                                         "x-request-id" => "id-1", "traceparent" => "00-1-2-01",
                                                         "x-forwarded-for" => "192.0.2.1" })
            client.request(3, "HEAD", "/b")
            [1, 3].each { |stream| expect(client.answer(stream).status).to eq(200) }
            first, second = entries(2).sort_by { |entry| entry["target"] }
            expect(first).to include(
              "peer" => "192.0.2.1", "method" => "GET", "target" => "/a?token=[FILTERED]&b=1",
              "protocol" => "HTTP/2.0", "status" => 200, "bytes" => 2, "request_id" => "id-1",
              "traceparent" => "00-1-2-01", "user_agent" => "agent", "referer" => "http://x/?token=[FILTERED]"
            )
            expect(first.values_at("queue_ms", "app_ms", "total_ms", "worker", "process")).to all(be_a(Numeric))
            expect(second).to include("peer" => "127.0.0.1", "method" => "HEAD", "target" => "/b", "bytes" => 0)
            # Version 7: the time first (RFC 9562).
            expect(second["request_id"]).to match(/\A\h{8}-\h{4}-7\h{3}-[89ab]\h{3}-\h{12}\z/)
          end
        end

        it "have a line each where their clients or the server reset them" do
          watched(secure) do |client|
            client.request(1, "POST", "/half", { "content-length" => "9" }, ends: false).data(1, "half", ends: false)
            client.frame(:rst_stream, 0, 1, [8].pack("N"))
            expect(entries(1).first).to include("target" => "/half", "status" => 499, "cause" => "client left")
          end
        end

        it "let nobody write lines, or to a terminal" do
          watched(secure) do |client, _, log|
            log.allow
            client.request(1, "GET", "/\u009b31m\u0085x".b, { "user-agent" => "\u009b\"\\\xff".b })
            status = client.answer(1).status
            line = entries(1).first
            expect(File.binread(path)).to match(/\A[\x20-\x7e]+\n\z/n)
            expect(line).to include("status" => status)
            # As a value that is as long as a line may be, of a field's own.
            client.request(3, "GET", "/", { "user-agent" => "a\tb" })
            client.answer(3)
            expect(entries(2).last).to include("user_agent" => "a\tb")
          end
        end

        it "are in flight by streams, with how far they have come" do
          watched(secure, threads: 1, workers: 1) do |client|
            client.request(1, "GET", "/wait?secret=1")
            expect(app.await).to eq("/wait")
            client.request(3, "GET", "/\u009bqueued".b)
            client.request(5, "POST", "/upload", { "content-length" => "9" }, ends: false).data(5, "half", ends: false)
            told = eventually("all are seen") do
              found = control_json("/requests")["requests"].group_by { |one| one["phase"] }
              found if found["running"] && found["reading"] && found["queued"]
            end
            expect(told["running"]).to include(include("method" => "GET", "path" => "/wait", "worker" => Integer,
                                                       "peer" => "127.0.0.1", "age" => Float))
            expect(told["queued"]).to contain_exactly(include("path" => "/?queued", "worker" => nil))
            expect(told["reading"]).to contain_exactly(include("method" => "POST", "path" => "/upload"))
            text = control_get("/requests?format=text").body
            expect(text).not_to match(/secret|[\u0080-\u009f]/)
            app.go_on
            client.data(5, "other")
            [1, 3, 5].each { |stream| expect(client.answer(stream).status).to eq(200) }
          end
        end

        it "are counted, as connections and handshakes are" do
          watched(secure) do |client, _, log|
            log.allow
            3.times { |at| client.get(1 + (2 * at)) }
            client.request(7, "GET", "/", { "content-length" => "x" }).read_head(7)
            told = eventually("all are counted") do
              lines = control_get("/metrics").body.lines(chomp: true).grep_v(/^#/)
              found = lines.to_h { |line| line.rpartition(" ").values_at(0, 2) }
              classes = %w[2xx 4xx].map { |name| found["kino_requests_total{status=\"#{name}\"}"] }
              found if classes == %w[3 1] && found["kino_http2_connections_total"] == "1"
            end
            expect(told).to include("kino_request_duration_seconds_count" => "3",
                                    "kino_refused_total{status=\"400\",cause=\"malformed\"}" => "1",
                                    "kino_tls_handshakes_total" => secure ? "1" : "0")
            floods = told.select { |name, _| name.include?("floods_by_cause") }
            expect(floods.transform_keys { |name| name[/cause="(.*)"/, 1] })
              .to eq(%w[http2_max_resets http2_max_continuations http2_max_control_frames http2_max_empty_frames
                        max_header_size].to_h { |cause| [cause, "0"] })
            expect(told.key?("kino_tls_certificate_expires_seconds")).to be(secure)
          end
        end
      end
    end
  end
end
