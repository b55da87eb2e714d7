# frozen_string_literal: true

require "kino/check/parser/source"
require "tmpdir"

RSpec.describe Kino::Check::Source do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  let(:source) do
    File.write("app.rb", <<~RUBY)
      class App < Base
        attr_writer :limit
        def call(env)
          @hits += 1
          LOCK.synchronize { @@total = 2 }
          super
        end
      end
    RUBY
    described_class.read("app.rb")
  end

  it "notes what outlives a request, in the order of the file, with who does it and whether a lock is held" do
    call = source.definition(:call, 3)
    facts = source.facts_in(call.range).reject { |fact| fact.kind == :call }

    expect(facts.map { |fact| [fact.kind, fact.mode, fact.name, fact.line] })
      .to eq([[:ivar, :write, "@hits", 4], [:constant, :read, "LOCK", 5], [:cvar, :write, "@@total", 5],
              [:super, :read, "super", 6]])
    expect(facts.map { |fact| fact.context.guarded }).to eq([false, true, true, false])
    expect(facts.map(&:context)).to all(have_attributes(namespace: ["App"], label: "App#call", level: :instance))
  end

  it "knows modules, methods and blocks by where they begin" do
    expect(source.modules).to eq("App" => "Base")
    expect(source.definition(:limit=, 2)).to have_attributes(name: :limit=, via: :attr)
    expect(source.definition(:nothing, 4)).to be_nil
    expect(source.blocks(5).size).to eq(1)
    expect([source.code(5), source.code(99)]).to eq(["LOCK.synchronize { @@total = 2 }", ""])
  end

  it "reads nothing that isn't there, or isn't Ruby" do
    File.write("broken.rb", "class {")
    expect(described_class.read("broken.rb")).to be_nil
    expect(described_class.read("missing.rb")).to be_nil
  end
end

RSpec.describe Kino::Check::Files do
  it "tells the app's own files from those of Ruby, gems and Kino" do
    expect(described_class).to be_own(__FILE__)
    gem = Gem.loaded_specs.fetch("rspec-core").full_gem_path
    kino = $LOADED_FEATURES.grep(%r{/kino/check/parser/source\.rb\z}).first
    foreign = [nil, "missing.rb", "#{gem}/lib/rspec/core.rb", "#{RbConfig::CONFIG["rubylibdir"]}/set.rb", kino]
    expect(foreign.map { |path| described_class.own?(path) }).to all(be(false))
  end

  it "writes a place as it is found from the current folder" do
    expect(described_class.place("lib/app.rb", 3)).to eq("lib/app.rb:3")
    expect(described_class.place("/elsewhere/app.rb", 3)).to eq("/elsewhere/app.rb:3")
  end
end
