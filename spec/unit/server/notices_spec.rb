# frozen_string_literal: true

require "kino/configuration"
require "kino/server/notices"

RSpec.describe Kino.const_get(:Notices) do
  let(:ractors) { Kino.const_get(:Ractors) }
  let(:pools) { Kino.const_get(:DatabasePool) }
  let(:shareable) { Module.new { def self.call(_) = [200, {}, []] }.freeze }

  before { hide_const("Rails") }

  def notices(app = nil, mode: :threaded, env: {}, **settings)
    layers = [Kino::Configuration::Layer.keywords(settings), Kino::Configuration::Layer.environment(env)]
    described_class.new(app || ->(_) { binding }, Kino::Configuration.from(layers), mode)
  end

  it "are none where all is as it should be" do
    expect(notices.lines).to eq([])
    expect(notices(mode: :ractor, workers: 4, env: { "WEB_CONCURRENCY" => "3" }).lines).to eq([])
    expect(notices.warnings).to eq([])
    given = { cert: "/a", key: "/b" }
    expect(notices(tls: given).warnings).to match([/\Atls does nothing here: no address begins with ssl:/])
    expect(notices(tls: given, bind: "ssl://localhost:1").warnings).to eq([])
  end

  it "say that nothing is forked from a process that has served where each boots an app of its own" do
    expect(notices(preload: false, refork_after: 100).lines)
      .to eq(["refork_after: nothing with preload false, where no process is forked from another"])
    expect([notices(refork_after: 100), notices(preload: false), notices(preload: false, refork_after: false)])
      .to all(have_attributes(lines: []))
  end

  it "say that more workers are only more threads" do
    expect(notices(workers: 4, threads: 2).lines)
      .to eq(["4 workers share one lock in mode threaded: they are 8 threads, as -w 1 -t 8 would be"])
  end

  it "say that ractors always have as many threads" do
    expect(notices(mode: :ractor, threads: 3..16).lines)
      .to eq(["a least of threads: nothing in mode ractor, where each worker always has 16 threads"])
    expect(notices(mode: :ractor, min_threads: 2, max_io_threads: 4).lines)
      .to eq(["a least of threads and max_io_threads: nothing in mode ractor, where each worker always has 1 thread"])
    expect(notices(mode: :ractor, threads: 16).lines).to eq([])
  end

  it "say nothing of WEB_CONCURRENCY, which is processes" do
    expect(notices(env: { "WEB_CONCURRENCY" => "3" }).lines).to eq([])
  end

  describe "of an app that can be shared between ractors" do
    it "point to kino --check where ractors are worth it and nobody has chosen a mode" do
      allow(ractors).to receive(:parallel?).and_return(true)

      expect(notices(shareable).lines).to match([/\AThis app can be shared between ractors.* kino --check says/])
      expect(notices.lines).to eq([])
      expect(notices(shareable, mode: :ractor).lines).to eq([])
      stub_const("Rails", Module.new)
      expect(notices(shareable).lines).to eq([])
    end

    it "say nothing where somebody has chosen" do
      allow(ractors).to receive(:parallel?).and_return(true)
      layers = [Kino::Configuration::Layer.keywords(mode: :threaded)]

      expect(described_class.new(shareable, Kino::Configuration.from(layers), :threaded).lines).to eq([])
    end

    it "say nothing where ractors get in each other's way" do
      allow(ractors).to receive(:parallel?).and_return(false)

      expect(notices(shareable).lines).to eq([])
    end
  end

  it "name a configuration of Puma's that nobody has asked to be read" do
    layer = Kino::Configuration::Layer.new.tap { |said| said.unread = "config/puma.rb" }

    expect(described_class.new(:app, Kino::Configuration.from([layer]), :threaded).lines)
      .to include("config/puma.rb is not read (kino -C config/puma.rb reads it, kino --from-puma makes a kino.rb of " \
                  "it)")
  end

  it "list Puma's words that do nothing" do
    layer = Kino::Configuration::Layer.new.tap { |said| said.ignored << "puma.rb:1: tag: so" }

    expect(described_class.new(:app, Kino::Configuration.from([layer]), :threaded).lines.last(2))
      .to match([/\AWords of Puma's that do nothing here/, "  puma.rb:1: tag: so"])
  end

  it "warn of a database pool that is smaller than the threads" do
    allow(pools).to receive(:here).and_return(pools.new(size: 5, word: "pool"))

    expect(notices(threads: 5).warnings).to eq([])
    expect(notices(workers: 2, threads: 5).warnings).to match([/for 10 threads.* write pool: 10 in/])
    expect(notices(threads: 2..5, max_io_threads: 3).warnings).to match([/for 8 threads.* write pool: 8 in/])
  end
end
