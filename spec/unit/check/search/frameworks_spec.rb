# frozen_string_literal: true

require "kino/check"
require "sinatra/base"
require "tmpdir"
require_relative "../apps"

RSpec.describe "What kino --check says of frameworks" do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  def report(app) = Kino::Check.report(app, rackup: "config.ru")

  describe "Sinatra" do
    let(:app) { stub_const("Shop", Class.new(Sinatra::Base) { get("/") { "hello" } }) }

    it "is named as the cause, once, and not by what it has inside" do
      [app, app.new].each do |one|
        found = report(CheckApps::Middleware.new(one).freeze)

        expect(found.findings).to match([have_attributes(kind: :sinatra, path: "app.@app", type: "Shop",
                                                         value: "Sinatra #{Sinatra::VERSION}",
                                                         why: include("method of each route's block"),
                                                         cure: include("mode :threaded"))])
        expect(found.next_steps.last).to start_with("leave ractors alone: Sinatra can't be served from them")
        expect(found.trial.outcome).to eq(:skipped)
      end
    end

    it "leaves what stands before it to be named, too" do
      found = report(CheckApps::Middleware.new(app))

      expect(found.findings.map(&:path)).to eq(%w[app.@app app])
    end

    it "is right: no such app answers in a ractor" do
      trial = Kino::Check::Trial.run(app, Kino::Check::Request.parse("GET /"))
      expect(trial).to have_attributes(outcome: :raised, exception: include(class: match(/Error/)))
    end
  end

  # Roda as far as a look at it goes: its class, whose app is a block, or the class itself with the plugin direct_call.
  describe "Roda" do
    let(:roda) do
      stub_const("Roda", Class.new do
        class << self
          attr_reader :route_block, :app

          def route(&block)
            @route_block = block
            define_method(:_roda_main_route, &block)
            @app = ->(env) { new._roda_main_route(env) }
          end

          def call(env) = new._roda_main_route(env)
        end
      end).tap { |base| base.const_set(:RodaVersion, "3.99.0") }
    end
    let(:app) { stub_const("Shop", Class.new(roda)) }

    it "is named where its route block can't be shared, with what to write" do
      app.route { |_| [200, {}, [inspect]] }
      found = [app, app.app].map { |one| report(one).findings }

      expect(found).to all(match([have_attributes(kind: :roda, path: "app", type: "Shop", value: "Roda 3.99.0",
                                                  why: include("which only the ractor that made it may call"),
                                                  where: match(/frameworks_spec\.rb:\d+\z/),
                                                  cure: include("direct_call", "Shop.freeze.app", "{ |r| ... }"))]))
      expect(report(app).next_steps[1]).to match(/give Roda a route block that ractors can share: number 1\z/)
    end

    it "is not where it can" do
      block = app.class_eval { Ractor.make_shareable(proc { |_| [204, {}, []] }) }
      app.route(&block)

      expect(report(app)).to have_attributes(findings: [], trial: have_attributes(status: 204))
      expect(report(app.app).findings)
        .to match([have_attributes(kind: :roda, why: include("without its plugin direct_call"))])
    end

    it "may be a class that routes nothing yet" do
      expect { report(app) }.not_to raise_error
    end
  end
end
