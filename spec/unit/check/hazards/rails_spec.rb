# frozen_string_literal: true

require "kino/check"
require "tmpdir"
require_relative "../apps"

RSpec.describe Kino::Check::Rails do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  # What a check asks of Rails, and nothing else.
  let(:config) { Struct.new(:eager_load, :cache_classes).new(true, true) }
  let(:application) do
    CheckApps::Middleware.new(Mutex.new).tap do |app|
      settings, folder = config, Dir.pwd
      app.define_singleton_method(:config) { settings }
      app.define_singleton_method(:root) { folder }
    end
  end
  let(:database) { Struct.new(:pool, :checkout_timeout).new(5, 3) }

  # Something that logs, and says nothing of threads.
  let(:odd_logger) { stub_const("OddLogger", Class.new).new }

  def with_rails(logger: nil, env: "production")
    stub_const("Rails", double(application: application, version: "8.9", env: env, logger: logger))
    described_class.here
  end

  def hazards(threads = 5) = with_rails.hazards(threads)

  it "is there when there is a Rails application" do
    expect(described_class.here).to be_nil
    stub_const("Rails", double(application: nil))
    expect(described_class.here).to be_nil
  end

  it "gives a short answer about ractors: Rails itself, a few blockers, and how many more" do
    with_rails
    parts = Array.new(20) { Mutex.new }
    report = Kino::Check.report(CheckApps::Holder.new(parts), rackup: "config.ru")

    expect(report.findings.first)
      .to have_attributes(kind: :rails, path: "app", type: "CheckApps::Middleware", value: "Rails 8.9",
                          cure: include("mode :threaded"))
    expect(report.findings.size).to eq(11)
    expect(report.findings_left_out).to eq(12)
    expect(report).to have_attributes(ractor?: false, trial: have_attributes(outcome: :skipped))
  end

  it "says so where this Rails would share itself, as an experiment" do
    expect(with_rails.finding.cure).not_to include("ractorize!")
    application.define_singleton_method(:ractorize!) { raise "not asked" }

    expect(with_rails.finding.cure).to include("mode :threaded", "`mode :ractor` shares it (ractorize!)", "experiment")
  end

  it "has no hazards where all is set for threads" do
    expect(hazards).to eq([])
  end

  it "names eager_load and reloading, with the line that sets them" do
    Dir.mkdir("config")
    Dir.mkdir("config/environments")
    File.write("config/environments/production.rb", "# config.eager_load = true\n  config.eager_load = false\n")
    config.eager_load = config.cache_classes = false

    expect(hazards)
      .to match([have_attributes(kind: :eager_load, where: "config/environments/production.rb:2",
                                 code: "config.eager_load = false", cure: include("config.eager_load = true")),
                 have_attributes(kind: :reloading, where: nil, code: "config.enable_reloading = true")])
  end

  it "leaves development and tests as they are: there, classes are to be loaded as they are needed, and anew" do
    config.eager_load = config.cache_classes = false
    found = %w[development test staging].map { |env| with_rails(env: env).hazards(5).map(&:kind) }
    expect(found).to eq([[], [], %i[eager_load reloading]])
  end

  context "with a database" do
    before do
      stub_const("ActiveRecord", Module.new)
      stub_const("ActiveRecord::Base", double(connection_db_config: database))
    end

    it "names a pool that is smaller than workers x threads" do
      Dir.mkdir("config")
      File.write("config/database.yml", "production:\n  pool: 5\n")

      expect(hazards(5)).to eq([])
      expect(hazards(6))
        .to match([have_attributes(kind: :database_pool, where: "config/database.yml:2", code: "pool: 5",
                                   why: include("6 requests", "1 of them", "3 s"), cure: include("pool: 6"))])
    end

    it "leaves an environment without a database alone" do
      allow(ActiveRecord::Base).to receive(:connection_db_config).and_raise(StandardError, "no such configuration")
      expect(hazards(6)).to eq([])
    end
  end

  it "loads no Active Record to ask" do
    stub_const("ActiveRecord", Module.new)
    ActiveRecord.autoload(:Base, "/nowhere/base")

    expect(hazards(100)).to eq([])
  end

  it "names a logger of which nothing tells that threads may share it" do
    expect(with_rails(logger: odd_logger).hazards(5))
      .to match([have_attributes(kind: :logger, code: include("OddLogger"))])
    broadcast = double(broadcasts: [odd_logger])
    expect(with_rails(logger: broadcast).hazards(5).map(&:kind)).to eq([:logger])
    expect(with_rails(logger: double(broadcasts: [])).hazards(5)).to eq([])
  end
end
