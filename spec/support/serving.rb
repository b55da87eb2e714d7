# frozen_string_literal: true

require "rack/lint"
require_relative "error_log"
require_relative "raw_client"

# Runs apps on a server of their own, in this process, on a port of the system's choice.
module Serving
  # The modes every behaviour is shown in.
  MODES = %i[threaded].freeze

  # With GC_STRESS=1 the collector runs at every chance it has, so that a value that native code has forgotten to keep
  # is sure to be missed. Rack::Lint, which has nothing native, would take most of the time.
  STRESS = ENV["GC_STRESS"] == "1"

  SETTINGS = { bind: ["tcp://127.0.0.1:0"], workers: 1, threads: 3, quiet: true, shutdown_timeout: 10 }.freeze

  # For example groups.
  module EachMode
    # Defines the block's examples once for each mode; `mode` tells them, and `serve`, which.
    def each_mode(&examples)
      MODES.each do |mode|
        context "in #{mode} mode" do
          let(:mode) { mode }
          class_exec(&examples)
        end
      end
    end
  end

  # Starts a server, yields it and what reaches standard error, and stops it. The app is held to Rack's SPEC, and so is
  # the server, unless `lint` is false; what is logged and not waited for fails the example.
  def serve(app, lint: true, **settings)
    require "kino" # only here, so that unit specs need no compiled extension
    log = nil
    result = ErrorLog.capture do |captured|
      log = captured
      server = Kino::Server.new(lint && !STRESS ? Rack::Lint.new(app) : app, **SETTINGS, mode: mode, **settings)
      run(server) { yield server, log }
    end
    expect(log.unexpected).to eq("")
    result
  rescue StandardError, RSpec::Expectations::ExpectationNotMetError
    RSpec.current_example.metadata[:extra_failure_lines] = ["On standard error:", *log&.text&.lines(chomp: true)]
    raise
  end

  # Serves an app for one connection: yields a client, the server and the log.
  def converse(app, **options)
    serve(app, **options) do |server, log|
      RawClient.open(server.url) { |client| yield client, server, log }
    end
  end

  # Asks one thing of an app.
  def ask(app, method = "GET", target = "/", headers = {}, body = nil, **options)
    converse(app, **options) { |client| client.request(method, target, headers, body) }
  end

  private

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
