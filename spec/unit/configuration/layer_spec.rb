# frozen_string_literal: true

require "kino/configuration"

RSpec.describe Kino::Configuration::Layer do
  describe ".environment" do
    def values(env)
      layer = described_class.environment(env)
      Kino::Configuration::Settings::TABLE.keys.filter_map { |name| [name, layer[name].value] if layer[name] }.to_h
    end

    it "reads the variables other servers read" do
      expect(values("PORT" => "3000", "WEB_CONCURRENCY" => "4", "RAILS_MAX_THREADS" => "7", "RACK_ENV" => "production"))
        .to eq(port: 3000, processes: 4, threads: 7, environment: "production")
    end

    it "reads RAILS_ENV where RACK_ENV is not set" do
      expect(values("RAILS_ENV" => "staging")).to eq(environment: "staging")
      expect(values("RAILS_ENV" => "staging", "RACK_ENV" => "test")).to eq(environment: "test")
      expect(values("RAILS_ENV" => "staging", "RACK_ENV" => "")).to eq(environment: "staging")
    end

    it "reads APP_ENV before both, as Puma and Sinatra do" do
      others = { "RACK_ENV" => "test", "RAILS_ENV" => "staging" }
      expect(values("APP_ENV" => "production", **others)).to eq(environment: "production")
      expect(values("APP_ENV" => "", **others)).to eq(environment: "test")
      expect { values("APP_ENV" => "a b") }.to raise_error(Kino::ConfigurationError, /\AAPP_ENV: given "a b"/)
    end

    it "takes an empty variable for one that is not set" do
      expect(values("PORT" => "", "WEB_CONCURRENCY" => "")).to eq({})
    end

    it "takes auto for the number of processes" do
      expect(values("WEB_CONCURRENCY" => "auto")).to eq(processes: Kino::Configuration::Cpus.count)
    end

    it "names the variable in an error, and how to write it" do
      expect { values("RAILS_MAX_THREADS" => "lots") }.to raise_error(
        Kino::ConfigurationError,
        'RAILS_MAX_THREADS: given "lots", allowed: an Integer from 1 to 1024, or MIN:MAX; write RAILS_MAX_THREADS=5'
      )
    end
  end

  describe "#set" do
    let(:source) { Kino::Configuration::Source.flag("--bind") }

    it "adds addresses, and each only once" do
      layer = described_class.new.set(:bind, "tcp://127.0.0.1:1", source).set(:bind, "unix:///a", source)
                             .set(:bind, "unix:///a", source)

      expect(layer[:bind].value).to eq(%w[tcp://127.0.0.1:1 unix:///a])
    end

    it "keeps the last value of anything else" do
      layer = described_class.new.set(:threads, 1, source).set(:threads, 2, source)

      expect(layer[:threads].value).to eq(2)
    end

    it "keeps what is said outright over what depends on the mode" do
      places = Kino::Configuration::Source
      outright, by_mode = places.file("puma.rb", 1), places.puma_workers("puma.rb", 2)
      layers = [[outright, by_mode], [by_mode, outright]].map do |first, last|
        described_class.new.set(:processes, 2, first).set(:processes, 3, last)
      end
      layers << described_class.new.set(:processes, 2, outright).tap do |layer|
        layer.take(described_class.new.set(:processes, 3, by_mode))
      end

      expect(layers.map { |layer| layer[:processes].value }).to eq([2, 3, 2])
      expect(described_class.new.set(:processes, 2, by_mode).set(:processes, 3, by_mode)[:processes].value).to eq(3)
    end

    it "takes a name as text" do
      expect(described_class.new.set("threads", 1, source)[:threads].value).to eq(1)
    end
  end
end
