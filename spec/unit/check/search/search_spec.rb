# frozen_string_literal: true

require "kino/check"
begin
  require "logger"
rescue LoadError
  nil # from Ruby 4.0 on it is a gem, and may not be there
end
require "rack"
require "socket"
require_relative "../apps"

RSpec.describe Kino::Check::Search do
  # What stands in the app's way, by path.
  def findings(app) = Kino::Check.findings(app).to_h { |finding| [finding.path, finding] }

  # Where a text stands in a file of this folder.
  def place(text, file = "apps.rb") = CheckApps.place(text, file)

  it "finds nothing in apps that can be shared" do
    expect(findings(CheckApps::Plain)).to eq({})
    expect(findings(CheckApps::Middleware.new(CheckApps::Plain).freeze)).to eq({})
    expect(findings(Ractor.make_shareable(CheckApps::Holder.new({ a: [1] })))).to eq({})
  end

  it "names the way to a blocker, middleware by middleware, and where it was made" do
    app = CheckApps::Middleware.new(CheckApps::Middleware.new(CheckApps::Cached.new).freeze).freeze

    found = findings(app)
    expect(found.keys).to eq(%w[app.@app.@app app.@app.@app.@cache])
    expect(found["app.@app.@app"])
      .to have_attributes(kind: :unfrozen, type: "CheckApps::Cached", value: "#<CheckApps::Cached @cache>",
                          where: place("class Cached"), cure: include("freeze_app"))
    expect(found["app.@app.@app.@cache"])
      .to have_attributes(kind: :unfrozen, type: "Hash", value: "{}", why: "not frozen", where: place("@cache = {}"),
                          cure: include("CheckApps::Cached#call, #{place("@cache[env")}", ":cache"))
  end

  it "tells how to freeze what nobody changes" do
    expect(findings(CheckApps::Holder.new({ a: 1 }).freeze)["app.@held"])
      .to have_attributes(where: place("@held = held"), cure: include("Ractor.make_shareable"))
  end

  it "names the elements of collections, of Structs and of Data" do
    struct, data = Struct.new(:one), Data.define(:two)
    lock = Mutex.new
    { { key: lock }.freeze => "app.@held[:key]", [[lock].freeze].freeze => "app.@held[0][0]",
      { "a" => { 1 => lock }.freeze }.freeze => 'app.@held["a"][1]', struct.new(lock).freeze => "app.@held.one",
      data.new(two: lock) => "app.@held.two", Set[lock].freeze => "app.@held (element)",
      { lock => 1 }.freeze => "app.@held (key #<Thread::Mutex>)" }.each do |held, path|
      expect(findings(CheckApps::Holder.new(held).freeze)).to match(path => have_attributes(kind: :lock)), path
    end
  end

  it "counts unfrozen elements with the collection that one freeze mends" do
    expect(findings(CheckApps::Holder.new([+"a", [+"b"]]).freeze))
      .to match("app.@held" => have_attributes(why: "not frozen, nor are 3 objects in it", value: '["a", ["b"]]'))
    expect(findings(CheckApps::Holder.new({ a: +"b" }.freeze).freeze))
      .to match("app.@held" => have_attributes(why: "frozen, but 1 object in it isn't", value: '{a: "b"}'))
  end

  it "says of each kind what it is and what to do" do
    { Mutex.new => [:lock, "drop it"], Monitor.new => [:lock, "drop it"], ConditionVariable.new => [:lock, "drop it"],
      Queue.new => [:queue, "per ractor"], SizedQueue.new(1) => [:queue, "per ractor"],
      StringIO.new => [:io, "open it in each ractor"], Fiber.new { nil } => [:thread, "each ractor"],
      [1].each => [:iterator, "keep the collection"], Random.new => [:native, "per ractor"],
      1.method(:+) => [:method, "def self.call"] }.each do |held, (kind, cure)|
      expect(findings(CheckApps::Holder.new(held).freeze))
        .to match("app.@held" => have_attributes(kind: kind, cure: include(cure), where: place("@held = held")))
    end
  end

  it "names a logger, without what it has inside", if: defined?(Logger) do
    expect(findings(CheckApps::Holder.new(Logger.new(StringIO.new)).freeze))
      .to match("app.@held" => have_attributes(kind: :logger, type: "Logger", cure: include("rack.errors")))
  end

  it "names open files, sockets and threads" do
    TCPServer.open("127.0.0.1", 0) do |server|
      expect(findings(CheckApps::Holder.new(server).freeze)["app.@held"]).to have_attributes(kind: :io)
    end
    thread = Thread.new { nil }.tap(&:join)
    expect(findings(CheckApps::Holder.new(thread).freeze)["app.@held"]).to have_attributes(kind: :thread)
  end

  it "takes what a class in C allows for what it is" do
    expect(findings(CheckApps::Holder.new(Time.now).freeze)["app.@held"]).to have_attributes(kind: :unfrozen)
  end

  it "goes on into procs: the variables they use, and no others" do
    found = findings(CheckApps.capturing)

    expect(found.keys).to eq(["app", "app (captured) cache"])
    expect(found["app"]).to have_attributes(kind: :block, value: "#<Proc (lambda)>", where: place("1].map { cache[env"),
                                            why: include("captures cache (Hash)"), cure: include("a class"))
    expect(found["app (captured) cache"])
      .to have_attributes(type: "Hash", where: place("1].map { cache[env"),
                          cure: include("a block, #{place("1].map { cache[env")}"))
  end

  it "goes on into a proc's self where the block uses it" do
    expect(findings(CheckApps::Handlers.new.itself_user).keys).to eq(%w[app app.self app.self.@state])
    expect(findings(CheckApps::Handlers.new.itself_ignorer))
      .to match("app" => have_attributes(kind: :block, cure: include("def self.call(env)")))
  end

  it "takes all variables where a proc's source can't be read" do
    app = eval("unused = []; ->(env) { [200, {}, []] }", binding, "(no file)", 1)
    expect(findings(app).keys).to include("app (captured) unused")
  end

  it "tells blocks that begin in one line apart" do
    first, second = CheckApps.two_in_a_line

    expect(findings(first).keys).to eq(["app", "app (captured) left"])
    expect(findings(second).keys).to eq(["app", "app (captured) right"])
  end

  it "names default procs, methods' receivers and procs made of methods" do
    expect(findings(CheckApps::Holder.new(Hash.new { |hash, key| hash[key] = 1 }.freeze).freeze))
      .to match("app.@held.default_proc" => have_attributes(kind: :block, cure: include("fetch")))
    expect(findings([].method(:push)).keys).to eq(["app", "app.receiver"])
    expect(findings(method(:puts) >> method(:p))).to include("app" => have_attributes(kind: :block))
  end

  it "says what can't be mended in the app, since a gem makes it" do
    app = Rack::Files.new("/nowhere").freeze

    expect(findings(app))
      .to include("app.@headers" => have_attributes(where: match(%r{\Arack-.*/lib/rack/files\.rb:\d+\z}),
                                                    cure: include("Ractor.make_shareable(Rack::Builder")),
                  "app.@head" => have_attributes(cure: include("Ractor.make_shareable(Rack::Builder")),
                  "app.@head.@app" => have_attributes(kind: :block, cure: include("a gem makes it")))
  end

  it "tells a gem's changes from the app's" do
    app = Class.new(Rack::Config) { def initialize = super(CheckApps::Plain) { 1 } }.new
    app.instance_variable_set(:@block, +"unfrozen")

    expect(findings(app.freeze))
      .to match("app.@block" => have_attributes(where: match(%r{\Arack-.*/config\.rb}), cure: include("Rack::Builder")))
  end

  it "survives cycles, BasicObjects and objects that raise at everything" do
    cycle = []
    cycle << cycle
    expect(findings(CheckApps::Holder.new(cycle).freeze).keys).to eq(%w[app.@held])
    expect(findings(CheckApps::Holder.new(CheckApps::Bare.new).freeze))
      .to match("app.@held" => have_attributes(type: "CheckApps::Bare", value: "#<CheckApps::Bare @bare>"),
                "app.@held.@bare" => have_attributes(value: "[]"))
    expect(findings(CheckApps::Holder.new(CheckApps::Hostile.new).freeze))
      .to match("app.@held" => have_attributes(type: "CheckApps::Hostile", value: "#<CheckApps::Hostile>"))
    expect(findings(CheckApps::Holder.new(Class.new.new).freeze)["app.@held"])
      .to have_attributes(type: "a class without a name, of Object")
  end

  it "ends with a huge graph, and counts what it doesn't tell" do
    huge = Array.new(150) { Mutex.new }
    search = described_class.new(Kino::Check::Sources.new)
    expect(search.run(CheckApps::Holder.new(huge).freeze).size).to eq(100)
    expect(search.left_out).to eq(51)

    bounded = described_class.new(Kino::Check::Sources.new, objects: 10)
    expect(bounded.run(CheckApps::Holder.new(Array.new(1000) { Object.new }).freeze).size).to be_between(1, 10)
  end

  it "has always something to say of an app that isn't shareable" do
    bounded = described_class.new(Kino::Check::Sources.new, objects: 1)
    expect(bounded.run(CheckApps::Holder.new(Mutex.new).freeze))
      .to match([have_attributes(path: "app", kind: :unknown)])
  end

  it "freezes nothing, and runs none of the app's code" do
    parts = [+"a", { +"b" => [+"c"] }, Struct.new(:d).new([+"e"]), CheckApps::Hostile.new, proc { 1 }, Object.new]
    app = CheckApps::Middleware.new(CheckApps::Holder.new(parts))
    all = [app, app.instance_variable_get(:@app), parts, *parts, *parts[1].values, parts[2].d, parts[2].d[0]]

    Kino::Check.report(app, rackup: "/nowhere/config.ru")

    frozen = Kernel.instance_method(:frozen?)
    expect(all.map { |object| frozen.bind_call(object) }).to all(be(false))
    expect(parts.last.singleton_methods).to eq([])
  end
end
