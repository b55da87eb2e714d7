# frozen_string_literal: true

require "json"
require "kino/check"
require "open3"
require "tmpdir"
require_relative "check/apps"

RSpec.describe Kino::Check do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  let(:blocked) { CheckApps::Middleware.new(CheckApps::Cached.new).freeze }

  it "reports an app that runs in ractors, after it has called it in one" do
    report = described_class.report(CheckApps::Plain, request: "GET /a?b")

    expect(report).to have_attributes(ractor?: true, findings: [], hazards: [], findings_left_out: 0, files: 0,
                                      trial: have_attributes(request: "GET /a?b", outcome: :answered, status: 200))
    expect(report.to_s).to start_with("config.ru runs in :ractor mode.")
      .and include("For :threaded mode: no hazards found in 0 files.")
      .and include("Trial: GET /a?b in a ractor answered 200.")
  end

  it "doesn't call an app that can't be shared" do
    report = described_class.report(blocked)

    expect(report).to have_attributes(ractor?: false, trial: have_attributes(outcome: :skipped, status: nil))
    expect(report.to_s)
      .to start_with("config.ru can't run in :ractor mode: 2 things stand in the way.\n\n1. app.@app\n")
      .and include("Trial: not made, since it would fail.")
    expect(blocked.instance_variable_get(:@app).instance_variable_get(:@cache)).to eq({})
  end

  it "says what failed only when it was called" do
    fails = Module.new { def self.call(_env) = RbConfig.ruby }
    report = described_class.report(fails)

    expect(report).to have_attributes(ractor?: false, findings: [])
    expect(report.to_s)
      .to start_with("config.ru can't run in :ractor mode: it can be shared, but failed when it was called.")
      .and include("Trial: GET / in a ractor raised\n", "Ractor::IsolationError", "check_spec.rb:")
    expect(report.to_h[:trial]).to match(request: "GET /", outcome: "raised", status: nil,
                                         exception: { class: "Ractor::IsolationError", message: include("RbConfig"),
                                                      where: match(/check_spec\.rb:\d+\z/) })
  end

  it "takes an answer of 500 for no proof" do
    report = described_class.report(Module.new { def self.call(_env) = [500, {}, []] })

    expect(report.ractor?).to be(false)
    expect(report.to_s).to include("answered 500. What it logged above tells why.")
  end

  it "looks for hazards in the folder of the config.ru" do
    Dir.mkdir("web")
    File.write("web/app.rb", "class A\n  def a = @@a = 1\nend\n")
    File.write("web/unused.rb", "class A\n  def b = @@b = 1\nend\n")
    loaded = [File.expand_path("web/app.rb")]
    report = described_class.report(CheckApps::Plain, rackup: "web/config.ru", loaded: loaded)

    expect(report.ractor?).to be(true)
    expect(report.hazards).to match([have_attributes(kind: :class_variable, where: "web/app.rb:2")])
    expect(report.to_s).to include("1 hazard in 1 file (without 1 that the app has not loaded):\n\n",
                                   "\n1. web/app.rb:2\n    code  def a = @@a = 1\n")
  end

  it "is frozen, words alone, and the same as JSON" do
    File.write("app.rb", "class A\n  def a = @@a = 1\nend\n")
    report = described_class.report(blocked, loaded: [File.expand_path("app.rb")])
    read = JSON.parse(JSON.generate(report.to_h), symbolize_names: true)

    expect(Ractor.shareable?(report)).to be(true)
    expect(read).to eq(report.to_h)
    expect(read.keys).to eq(%i[kino ruby parallel rackup ractor findings findings_left_out trial hazards files
                               files_left_out files_unused next_steps])
    expect(read[:findings]).to all(match(kind: String, path: String, class: String, value: String, why: String,
                                         where: String, cure: String))
    expect(read[:hazards]).to all(match(kind: String, where: String, code: String, why: String, cure: String))
    expect(read).to include(ractor: false, trial: { request: "GET /", outcome: "skipped", status: nil, exception: nil })
  end

  it "finds what stands in the way without calling the app" do
    expect(described_class.findings(CheckApps::Plain)).to eq([])
    found = described_class.findings(blocked)
    expect(found.map(&:path)).to eq(%w[app.@app app.@app.@cache])
    expect(found.last.to_s).to eq("app.@app.@cache: not frozen (#{found.last.where})")
  end

  it "counts findings that it doesn't show" do
    text = described_class.report(CheckApps::Holder.new(Array.new(130) { Mutex.new }).freeze).to_s

    expect(text).to start_with("config.ru can't run in :ractor mode: 131 things stand in the way.")
      .and include("\n20. app.@held[18]\n", "\n\n... and 111 more (--format json has 100 of them)\n\n")
    expect(text).not_to include("\n21. ")
  end

  it "keeps lines short, and code in one piece" do
    text = described_class.report(blocked).to_s

    expect(text.lines(chomp: true)).to all(satisfy { |line| line.size <= 100 && line.count("`").even? })
    expect(text).to include("`")
  end

  it "refuses a request that is none" do
    expect { described_class.report(CheckApps::Plain, request: "nonsense") }
      .to raise_error(ArgumentError, 'given "nonsense", allowed: a method and a path, with a query or without; ' \
                                     'write "GET /"')
  end

  # Files of the check that a process of its own has loaded after it ran this.
  def loaded_after(code)
    lib = File.expand_path("../../lib", __dir__)
    out, status = Open3.capture2(RbConfig.ruby, "-I", lib, "-e", <<~RUBY)
      #{code}
      puts $LOADED_FEATURES.filter_map { |path| path[%r{/lib/kino/(check.*)\.rb\z}, 1] }
    RUBY
    expect(status).to be_success
    out.split
  end

  it "is loaded by nothing but a question: neither by kino, nor by its command, nor by a server" do
    expect(loaded_after('require "kino"; require "kino/cli"')).to eq([])
    expect(loaded_after(<<~RUBY)).to eq([])
      require "kino"
      server = Kino::Server.new(->(_env) { [200, {}, []] }, port: 0, mode: :threaded)
      server.start
      server.stop
    RUBY
  end

  it "loads no more than a question needs" do
    expect(loaded_after('require "kino"; Kino::Check::Request.parse("GET /")').grep(/search|hazards|output/)).to eq([])
    expect(loaded_after('require "kino"; Kino::Check.findings(->(_env) {})').grep(/hazards\/hazards|trial/)).to eq([])
  end

  it "has parts whose imports point one way, with the parser below all others" do
    root = File.expand_path("../../lib", __dir__)
    Dir.glob("kino/check/*/*.rb", base: root).each do |path|
      imports = File.read(File.join(root, path)).scan(/^require_relative "\.\.\/(\w+)/).flatten
      expect(imports).to be_empty, "#{path} requires #{imports}" if path.include?("/parser/")
      expect(imports).not_to include("search", "hazards"), "#{path} requires #{imports}"
    end
  end
end
