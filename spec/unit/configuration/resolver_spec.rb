# frozen_string_literal: true

require "kino/configuration"

RSpec.describe Kino::Configuration::Resolver do
  def layer(**settings) = Kino::Configuration::Layer.keywords(settings)

  # Flags, environment and file, each as keywords.
  def resolve(flags = {}, env = {}, file = {})
    described_class.new([flags, env, file].map { |settings| layer(**settings) }).values
  end

  def bind(...) = resolve(...).fetch(:bind)

  it "takes each setting from the strongest place that says it, and else its default" do
    values = resolve({ threads: 1 }, { threads: 2, workers: 2 }, { threads: 3, workers: 3, quiet: true })

    expect(values).to include(threads: 1, workers: 2, quiet: true, environment: "development")
  end

  it "takes a nil for the value it is" do
    expect(resolve({}, {}, { max_body_size: nil })).to include(max_body_size: nil)
    expect(resolve({ max_body_size: 5 }, {}, { max_body_size: nil })).to include(max_body_size: 5)
  end

  it "takes false for the value it is" do
    expect(resolve({ quiet: false }, {}, { quiet: true })).to include(quiet: false)
  end

  describe "threads" do
    def bounds(...) = Kino::Configuration.from(resolved(...)).then { |made| [made.min_threads, made.threads] }

    def resolved(flags = {}, env = {}, file = {})
      [layer(**flags), Kino::Configuration::Layer.environment(env), layer(**file)]
    end

    it "have a least where the place that says them has one, or a stronger one" do
      expect(bounds({}, {}, { threads: 3..16 })).to eq([3, 16])
      expect(bounds({ min_threads: 4 }, {}, { threads: 3..16 })).to eq([4, 16])
      expect(bounds({}, {}, { min_threads: 3 })).to eq([3, 5])
    end

    it "are as many as a stronger place says" do
      expect(bounds({ threads: 8 }, {}, { threads: 3..16 })).to eq([8, 8])
      expect(bounds({ threads: 8 }, {}, { min_threads: 3, threads: 16 })).to eq([8, 8])
      expect(bounds({ threads: 2..8 }, {}, { threads: 16 })).to eq([2, 8])
    end

    it "have their most, and no more, from RAILS_MAX_THREADS" do
      expect(bounds({}, { "RAILS_MAX_THREADS" => "8" }, { threads: 3..16 })).to eq([3, 8])
      expect(bounds({}, { "RAILS_MAX_THREADS" => "2" }, { threads: 3..16 })).to eq([2, 2])
      expect(bounds({}, { "RAILS_MAX_THREADS" => "8" }, { threads: 16 })).to eq([8, 8])
      expect(bounds({}, { "RAILS_MAX_THREADS" => "8" }, { min_threads: 3 })).to eq([3, 8])
      expect(bounds({ threads: 4 }, { "RAILS_MAX_THREADS" => "8" }, { threads: 3..16 })).to eq([4, 4])
      expect(bounds({}, { "RAILS_MAX_THREADS" => "2:8" }, { threads: 3..16 })).to eq([2, 8])
    end
  end

  describe "addresses" do
    it "come from the strongest place that has bind, and from no other" do
      expect(bind({ bind: "unix:///a" }, {}, { bind: %w[tcp://127.0.0.1:1 unix:///b] })).to eq(["unix:///a"])
    end

    it "keep to a bind that is stronger than the port" do
      expect(bind({ bind: "tcp://127.0.0.1:1" }, { port: 2 }, { host: "0.0.0.0" })).to eq(["tcp://127.0.0.1:1"])
    end

    it "get their port from a stronger place, and keep their host" do
      expect(bind({}, { port: 5000 }, { bind: "tcp://0.0.0.0:8080" })).to eq(["tcp://0.0.0.0:5000"])
      expect(bind({ port: 4000 }, { port: 5000 }, { bind: "tcp://0.0.0.0:8080" })).to eq(["tcp://0.0.0.0:4000"])
    end

    it "get their host from a stronger place, and keep their port" do
      expect(bind({ host: "::1" }, {}, { bind: "tcp://0.0.0.0:8080" })).to eq(["tcp://[::1]:8080"])
    end

    it "change in the first TCP address only" do
      expect(bind({ port: 3 }, {}, { bind: %w[unix:///a tcp://127.0.0.1:1 tcp://127.0.0.1:2] }))
        .to eq(%w[unix:///a tcp://127.0.0.1:3 tcp://127.0.0.1:2])
    end

    it "become one more where the port is stronger and there are only unix sockets" do
      expect(bind({}, { port: 5000 }, { bind: "unix:///a" })).to eq(%w[unix:///a tcp://127.0.0.1:5000])
      expect(bind({}, { port: 5000 }, { bind: "unix:///a", host: "0.0.0.0" }))
        .to eq(%w[unix:///a tcp://0.0.0.0:5000 tcp://0.0.0.0:9292])
    end

    it "become one more where port stands beside bind" do
      expect(bind({ bind: "unix:///a", port: 3000 })).to eq(%w[unix:///a tcp://127.0.0.1:3000])
      expect(bind({}, {}, { bind: "unix:///a", port: 3000, host: "0.0.0.0" })).to eq(%w[unix:///a tcp://0.0.0.0:3000])
      expect(bind({ bind: "tcp://127.0.0.1:0", port: 0 })).to eq(%w[tcp://127.0.0.1:0])
    end

    it "take the host of one place and the port of another" do
      expect(bind({}, { port: 5000 }, { host: "0.0.0.0", port: 3000 })).to eq(["tcp://0.0.0.0:5000"])
    end

    describe "where PORT is set in the environment" do
      def resolver(flags = {}, file = {})
        environment = Kino::Configuration::Layer.environment({ "PORT" => "5000" })
        described_class.new([layer(**flags), environment, layer(**file)])
      end

      def bind(...) = resolver(...).values.fetch(:bind)

      it "are every interface, which the start says, unless somebody names a host" do
        [[{}, {}], [{}, { port: 80 }]].each do |said|
          expect(bind(*said)).to eq(["tcp://[::]:5000"])
          expect(resolver(*said).notes).to contain_exactly(start_with("PORT is set and no host: on every interface"))
        end
        expect(bind({}, { bind: "unix:///a" })).to eq(%w[unix:///a tcp://[::]:5000])
      end

      it "are the host's that anybody names, or -p's" do
        { [{}, { host: "127.0.0.1" }] => ["tcp://127.0.0.1:5000"], [{ host: "::1" }, {}] => ["tcp://[::1]:5000"],
          [{}, { bind: "tcp://127.0.0.1:80" }] => ["tcp://127.0.0.1:5000"],
          [{ bind: "unix:///a" }, {}] => ["unix:///a"],
          [{ port: 1 }, {}] => ["tcp://127.0.0.1:1"] }.each do |said, bound|
          expect([bind(*said), resolver(*said).notes]).to eq([bound, []])
        end
      end
    end

    it "are each listed once" do
      expect(bind({ port: 2 }, {}, { bind: %w[tcp://127.0.0.1:1 tcp://127.0.0.1:2] })).to eq(["tcp://127.0.0.1:2"])
    end

    it "are frozen" do
      expect([bind, bind({ port: 1 }), bind({ bind: "unix:///a", port: 1 })]).to all(be_frozen)
    end
  end
end
