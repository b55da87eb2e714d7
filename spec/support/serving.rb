# frozen_string_literal: true

require "rack/headers"
require "rack/lint"
require "rack/utils"
require_relative "error_log"
require_relative "eventually"
require_relative "forked_server"
require_relative "http2_client"
require_relative "raw_client"

# Runs apps on a server of their own, in this process, on a port of the system's choice.
module Serving
  # With GC_STRESS=1 the collector runs at every chance it has, so that a value that native code has forgotten to keep
  # is sure to be missed. Rack::Lint, which has nothing native, would take most of the time.
  STRESS = ENV["GC_STRESS"] == "1"

  # The modes every behaviour is shown in; :processes is two processes of threads, whose native code is no other. Ruby
  # 3.3 sometimes never wakes a thread of a ractor when several ractors have several threads, so there :ractor is one of
  # them only when asked for: KINO_MODES=threaded,ractor,processes. So is :processes, as `rake spec:processes` does, but
  # for those that are about connections, starts and stops: each of its servers is five processes.
  # Over TLS it is threads once more, whose clients come by ssl://: for groups where bytes matter, or all of them with
  # KINO_MODES=tls.
  ASKED = ENV["KINO_MODES"]&.split(",")&.map(&:to_sym)
  MODES = ((ASKED || [:threaded, *(:ractor if RUBY_VERSION >= "4.0"), *(:processes unless STRESS)]) - [:tls]).freeze
  ALWAYS_PROCESSES = %r{/spec/integration/(connections|control|front_doors|hosts|http2|stopping|upgrades)/}
  OVER_TLS = %r{/spec/(conformance/|integration/(hostile/slow_readers|input/|limits/|response/|upgrades/))}

  # On a busy machine a request may wait for long, which is no reason to refuse it.
  # So may a client of this process wait for its turn when the collector is at work all the time.
  SETTINGS = { bind: ["tcp://127.0.0.1:0"], workers: 1, threads: 3, quiet: true, shutdown_timeout: 10,
               queue_timeout: Eventually::DEADLINE, header_timeout: [15, Eventually::DEADLINE].max,
               keepalive_timeout: [65, Eventually::DEADLINE].max,
               write_timeout: [30, Eventually::DEADLINE].max }.freeze

  # Tables of Rack's that it has not frozen, and that Rack::Lint needs in ractors.
  [Rack::Utils::STATUS_WITH_NO_ENTITY_BODY, Rack::Headers::KNOWN_HEADERS, Rack::Lint::Wrapper::BODY_METHODS,
   Rack::Lint::Wrapper::StreamWrapper::REQUIRED_METHODS].each { |table| Ractor.make_shareable(table) }

  # For example groups.
  module EachMode
    # Defines the block's examples once for each mode; `mode` tells them, and `serve`, which. Those `of_one_process` are
    # many or long, and what they say of one request can't differ in several.
    def each_mode(of_one_process: false, &examples)
      has_processes = !of_one_process && (ASKED || metadata[:absolute_file_path].match?(ALWAYS_PROCESSES))
      (has_processes ? MODES : MODES - [:processes]).each do |mode|
        context "in #{mode} mode" do
          let(:mode) { mode }
          class_exec(&examples)
        end
      end
      over_tls(&examples) if ASKED ? ASKED.include?(:tls) : metadata[:absolute_file_path].match?(OVER_TLS) && !STRESS
    end

    private

    def over_tls(&examples)
      context "over TLS" do
        let(:mode) { :threaded }
        let(:over_tls) { true }
        class_exec(&examples)
      end
    end
  end

  # For the very few examples that other modes can't have. What several processes run is threads.
  def only_in(only, why)
    skip "only in #{only} mode: #{why}" unless only == (mode == :processes ? :threaded : mode)
  end

  # For the few examples that say nothing of a server of several processes, or can't see what they are about there.
  def not_of_processes(why)
    skip "not of several processes: #{why}" if mode == :processes
  end

  # For the few examples that are about what a plain socket alone has.
  def not_over_tls(why)
    skip "not over TLS: #{why}" if over_tls
  end

  # Whether the clients of this example come by TLS.
  def over_tls = false

  # For examples that stop a server at once.
  def stops_at_once = not_of_processes("a parent ends at once on a second signal only, see processes/serving_spec")

  # For examples whose app starts threads.
  def app_starts_threads
    return unless RUBY_VERSION < "4.0"

    only_in :threaded, "on a busy machine, a thread that is started in a ractor of Ruby 3.3 may never run"
  end

  # Starts a server, yields it and what reaches standard error, and stops it. The app is held to Rack's SPEC, and so is
  # the server, unless `lint` is false; what is logged and not waited for fails the example.
  def serve(app, lint: true, **settings)
    require "kino" # only here, so that unit specs need no compiled extension
    log = nil
    result = ErrorLog.capture do |captured|
      log = captured
      server = server_of(lint && !STRESS ? linted(app) : app, **SETTINGS, **secured, mode: mode, **settings)
      run(server) { yield server, log }
    end
    expect(log.unexpected).to eq("")
    result
  rescue StandardError, RSpec::Expectations::ExpectationNotMetError
    lines = ["On standard error:", *log&.text&.lines(chomp: true)]
    RSpec.current_example&.metadata&.store(:extra_failure_lines, lines)
    raise
  end

  # Serves an app for one connection: yields a client, the server and the log.
  def converse(app, **options)
    serve(app, **options) do |server, log|
      RawClient.open(server.url) { |client| yield client, server, log }
    end
  end

  # Serves an app for one connection of HTTP/2: yields a client, which says `client` of itself, the server and the log.
  def speak(app, client: {}, **settings)
    serve(app, http2: true, **settings) do |server, log|
      Http2Client.open(server.url, **client) { |one| yield one, server, log }
    end
  end

  # Asks one thing of an app.
  def ask(app, method = "GET", target = "/", headers = {}, body = nil, **options)
    converse(app, **options) { |client| client.request(method, target, headers, body) }
  end

  # What the command `kino` is told, to run in a mode.
  def in_mode(mode) = mode == :processes ? %w[-m threaded --processes 2] : ["-m", mode.to_s]

  # How many processes there are: each has workers and threads of its own, and bounds for what it holds.
  def copies = mode == :processes ? ForkedServer::PROCESSES : 1

  # A server that is yet to be started.
  def server_of(app, mode: self.mode, **settings)
    require "kino"
    mode == :processes ? ForkedServer.new(app, **settings) : Kino::Server.new(app, mode: mode, **settings)
  end

  # What a server is told whose clients come by TLS.
  def secured
    over_tls ? { bind: ["ssl://127.0.0.1:0"], tls: TLS.made.given, handshake_timeout: Eventually::DEADLINE } : {}
  end

  private

  def linted(app)
    lint = Rack::Lint.new(app)
    Ractor.shareable?(app) ? Ractor.make_shareable(lint) : lint
  end

  def run(server)
    finished = false
    server.start
    GC.stress = STRESS
    result = yield
    finished = true
    result
  ensure
    GC.stress = false
    finished ? server.stop : server.stop!
  end
end
