# frozen_string_literal: true

require "json"
require "kino/version"
require_relative "../../support/kino_process"

RSpec.describe "kino --check" do
  include KinoProcess::Helpers

  # How it ends, and what it says.
  def check(*arguments)
    process = kino("--check", *arguments)
    [process.status, process.out, process.err]
  end

  it "exits 0 for an app that runs in ractors, with the proof" do
    write("config.ru", <<~RUBY)
      # frozen_string_literal: true

      module Hello
        def self.call(env) = [200, {}, [env["PATH_INFO"]]]
      end
      run Hello
    RUBY
    status, out, = check

    expect(status).to eq(0)
    expect(out).to start_with("config.ru runs in :ractor mode.")
      .and include("no hazards found in 1 file").and include("Trial: GET / in a ractor answered 200.")
  end

  it "exits 1 for one that doesn't, and names everything; what the app prints is kept apart" do
    write("lib/counter.rb", <<~RUBY)
      # frozen_string_literal: true

      class Counter
        @@hits = 0

        def initialize(app)
          @app = app
          @seen = {}
        end

        def call(env)
          @@hits += 1
          @seen[env["PATH_INFO"]] = true
          @app.call(env)
        end
      end
    RUBY
    write("config.ru", <<~RUBY)
      # frozen_string_literal: true

      require_relative "lib/counter"
      puts "loading"
      cache = {}
      use Counter
      run ->(env) { [200, {}, [cache[env["PATH_INFO"]] ||= "hello"]] }
    RUBY
    status, out, err = check("--format", "json")
    report = JSON.parse(out)

    expect([status, err]).to eq([1, "loading\n"])
    expect(report).to include("ractor" => false, "ruby" => RUBY_VERSION, "kino" => Kino::VERSION)
    expect(report["findings"].to_h { |finding| finding.values_at("path", "where") })
      .to eq("app" => "lib/counter.rb:3", "app.@seen" => "lib/counter.rb:8", "app.@app" => "config.ru:7",
             "app.@app (captured) cache" => "config.ru:7", "Counter.@@hits" => "lib/counter.rb:12")
    expect(report["hazards"].map { |hazard| hazard.values_at("kind", "where") })
      .to eq([["class_variable", "lib/counter.rb:12"]])
    expect(report["trial"]).to include("outcome" => "skipped")
  end

  it "tells the exception of an app that fails only when it is called" do
    write("config.ru", <<~RUBY)
      # frozen_string_literal: true

      require "rbconfig"
      module Late
        def self.call(_env)
          puts "called"
          [200, {}, [RbConfig.ruby, RbConfig.expand(+"a")]]
        end
      end
      run Late
    RUBY
    status, out, err = check("--request", "GET /x")

    expect(status).to eq(1)
    expect(err).to include("called\n")
    expect(out).to include("it can be shared, but failed when it was called",
                           "Trial: GET /x in a ractor raised\n   error  Ractor::IsolationError\n", "config.ru:7\n")
    expect(out).not_to include("called\n\n")
  end

  it "leaves nothing frozen, and nothing of it behind" do
    write("config.ru", <<~RUBY)
      # frozen_string_literal: true

      STATE = [+"state", {}]
      at_exit { warn STATE.frozen?, STATE.map(&:frozen?).inspect }
      run Class.new { def initialize = @state = STATE
                      def call(_env) = [200, {}, []] }.new
    RUBY

    expect(check).to match([1, include("app.@state"), "false\n[false, false]\n"])
  end

  it "isn't loaded by a server" do
    process = start("-e", 'require "kino"; puts $LOADED_FEATURES.grep(%r{kino/check}).size; Kino::Check; puts :loaded')
    expect([process.status, process.out]).to eq([0, "0\nloaded\n"])
  end

  it "exits 1 for arguments that aren't allowed, and for an app that can't be loaded" do
    write("config.ru", "raise 'broken'\n")

    expect(check).to match([1, "", include("config.ru could not be loaded: RuntimeError: broken")])
    expect(check("--format", "xml")).to match([1, "", start_with("kino: --format: given \"xml\"")])
  end
end
