# frozen_string_literal: true

require "kino/check"
require "kino/check/search/code_rules"
require_relative "../apps"
require_relative "../code_apps"

RSpec.describe Kino::Check::CodeRules do
  def findings(app) = Kino::Check.findings(app).to_h { |finding| [finding.path, finding] }

  def place(text) = CheckApps.place(text, "code_apps.rb")

  it "names constants that reached methods read and that can't be shared" do
    expect(Ractor.shareable?(CodeApps::Constants)).to be(true)
    found = findings(CodeApps::Constants)

    expect(found.keys).to contain_exactly("CodeApps::Constants::TABLE", "CodeApps::Constants::NAMES",
                                          "CodeApps::Constants::Deep::LIST", "CodeApps::Other::SET")
    expect(found["CodeApps::Constants::TABLE"])
      .to have_attributes(kind: :constant, type: "Hash", value: "{}", where: place("TABLE = {} # in"),
                          why: "not frozen; read in CodeApps::Constants.call, #{place("TABLE[")}",
                          cure: include("CodeApps::Constants.call, #{place("TABLE[")}"))
    expect(found["CodeApps::Constants::NAMES"]).to have_attributes(why: start_with("frozen, but 1 object in it isn't"))
    expect(found["CodeApps::Other::SET"])
      .to have_attributes(where: place("SET = Set"), why: include("Constants.helper"))
  end

  it "names class-level variables by what they are now" do
    found = findings(CodeApps::Variables)

    expect(found.keys).to contain_exactly(*%w[@table @memo @count @rows @limit @@hits].map do |name|
      "CodeApps::Variables.#{name}"
    end)
    expect(found["CodeApps::Variables.@table"])
      .to have_attributes(kind: :class_ivar, type: "Hash", where: place("@table = {}"),
                          why: "not frozen; read in CodeApps::Variables.call, #{place("@table.fetch")}")
    expect(found["CodeApps::Variables.@memo"])
      .to have_attributes(kind: :class_ivar, where: place("@memo ||= 1"), why: include("only the main ractor may set"))
    expect(found["CodeApps::Variables.@count"]).to have_attributes(value: "0", where: place("@count += 1"))
    expect(found["CodeApps::Variables.@rows"])
      .to have_attributes(where: place("@rows = []"), why: include("CodeApps::Variables.rows"))
    expect(found["CodeApps::Variables.@limit"])
      .to have_attributes(where: place("attr_accessor :limit"), why: include("set by CodeApps::Variables.limit="))
    expect(found["CodeApps::Variables.@@hits"])
      .to have_attributes(kind: :class_variable, value: "0", where: place("@@hits += 1"),
                          why: include("CodeApps::Variables#hit"))
  end

  it "names globals, but those that a ractor has of its own" do
    expect(findings(CodeApps::Globals.new.freeze))
      .to match("$code_apps_global" => have_attributes(kind: :global, type: nil, value: nil,
                                                       where: place("$code_apps_global")))
  end

  it "names methods made of blocks" do
    expect(findings(CodeApps::Blocks.new.freeze))
      .to match("CodeApps::Blocks#call" => have_attributes(kind: :define_method, where: place("define_method")))
  end

  it "names a require while requests run, where only the main ractor may" do
    found = findings(CodeApps::Requires.new.freeze)
    if RUBY_VERSION >= "4.0"
      expect(found).to eq({})
    else
      expect(found).to match("require" => have_attributes(kind: :require, where: place('require "English"')))
    end
  end

  it "follows what is made for each request, and loads nothing" do
    expect(findings(CodeApps::Fresh).keys).to eq(%w[CodeApps::Fresh::CACHE])
    expect(CodeApps.autoload?(:Unloaded)).to eq("code_apps_that_is_not_there")
  end

  it "reads what is overridden where it is called by super" do
    expect(findings(CodeApps::Faithful).keys).to eq(%w[$code_apps_base])
  end

  it "finds inherited constants where they were set" do
    expect(findings(CodeApps::Heir))
      .to match("CodeApps::Heir::INHERITED" => have_attributes(where: place("INHERITED = []")))
  end

  it "reads blocks too" do
    expect(findings(CodeApps::LAMBDA).keys).to eq(%w[app CodeApps::LIST])
  end

  it "agrees with Ruby about each rule" do
    { CodeApps::Constants => "TABLE", CodeApps::Variables => "instance variables",
      CodeApps::Globals.new.freeze => "global variable", CodeApps::Blocks.new.freeze => "un-shareable Proc" }
      .each do |app, message|
      trial = Kino::Check::Trial.run(app, Kino::Check::Request.parse("GET /"))
      expect(trial.exception[:message]).to include(message)
    end
  end
end
