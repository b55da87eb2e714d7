# frozen_string_literal: true

require "kino/check"
require "kino/configuration"
require "kino/errors"
require "kino/server/mode"

RSpec.describe Kino.const_get(:Mode) do
  # As it is where nothing stands in the way of ractors; each example has something that does.
  before do
    hide_const("Rails")
    allow(ractors).to receive(:parallel?).and_return(true)
    allow(described_class).to receive(:closures_stop_ractors?).and_return(false)
    allow(Kino::Check).to receive(:findings).and_return([])
  end

  let(:ractors) { Kino.const_get(:Ractors) }
  let(:shareable) { Class.new { def self.call(_env) = [200, {}, []] } }
  let(:unshareable) { ->(_env) { [200, {}, []] } }

  def mode(app, mode = :auto, workers: 2) = described_class.of(app, Kino::Configuration.new(mode:, workers:))

  # A finding as an error shows it: one line.
  def finding(text) = Struct.new(:to_s).new(text)

  describe ":threaded" do
    it "is what it is, without asking the app" do
      expect(mode(unshareable, :threaded)).to have_attributes(name: :threaded, reason: nil, warning: nil)
      expect(Kino::Check).not_to have_received(:findings)
    end
  end

  describe ":ractor" do
    it "is what it is for an app that can be shared" do
      expect(mode(shareable, :ractor)).to have_attributes(name: :ractor, reason: nil, warning: nil)
    end

    it "is taken at its word, whatever :auto would say" do
      allow(ractors).to receive(:parallel?).and_return(false)

      expect(mode(shareable, :ractor).name).to be(:ractor)
    end

    it "warns, with the cure, where closures stop all ractors and there are several" do
      allow(described_class).to receive(:closures_stop_ractors?).and_return(true)

      expect(mode(shareable, :ractor).warning).to include("#22224", "RUBY_YJIT_ENABLE=0", "mode :threaded")
      expect(mode(shareable, :ractor, workers: 1).warning).to be_nil
    end

    it "has an app share itself that knows how" do
      app = Class.new do
        def call(_env) = [200, {}, []]

        def ractorize! = Ractor.make_shareable(self)
      end.new

      expect(mode(app, :ractor).name).to be(:ractor)
      expect(Ractor.shareable?(app)).to be(true)
    end

    it "is refused for any other app, naming what stands in the way" do
      findings = Array.new(2) { |number| finding("app.@cache#{number} is a Hash") }
      allow(Kino::Check).to receive(:findings).with(unshareable).and_return(findings)

      expect { mode(unshareable, :ractor) }.to raise_error(Kino::UnshareableAppError) { |error|
        expect(error.message.lines(chomp: true)).to match([
          /\Athe app can't be shared .* mode :ractor can't run it \(kino --check .*; mode :threaded runs .* app\):\z/,
          "  app.@cache0 is a Hash", "  app.@cache1 is a Hash"
        ])
        expect(error.findings).to eq(findings)
      }
    end

    it "is refused with the first three of many, and how many more there are" do
      allow(Kino::Check).to receive(:findings).and_return(Array.new(5) { |number| finding("blocker #{number}") })

      expect { mode(unshareable, :ractor) }
        .to raise_error(Kino::UnshareableAppError, /:\n  blocker 0\n  blocker 1\n  blocker 2\n  and 2 more\z/)
    end
  end

  describe ":auto" do
    it "is ractors for an app that can be shared" do
      expect(mode(shareable)).to have_attributes(name: :ractor, warning: nil, reason: /the app can be shared/)
    end

    it "is threads for Rails, without a look at the app" do
      stub_const("Rails", Module.new { def self.application = :application })

      expect(mode(shareable)).to have_attributes(name: :threaded, warning: nil, reason: /\ARails can't be shared/)
      expect(Kino::Check).not_to have_received(:findings)
    end

    it "is threads for an app that would share itself, which isn't asked to" do
      app = Class.new do
        def call(_env) = [200, {}, []]

        def ractorize! = raise("not asked")
      end.new

      expect(mode(app)).to have_attributes(name: :threaded, reason: /\Aan app that shares itself/)
    end

    it "is not put off by parts of Rails, without an application" do
      stub_const("Rails", Module.new { def self.application = nil })
      expect(mode(shareable).name).to be(:ractor)

      stub_const("Rails", Module.new)
      expect(mode(shareable).name).to be(:ractor)
    end

    it "is threads on a Ruby whose ractors get in each other's way" do
      allow(ractors).to receive(:parallel?).and_return(false)

      expect(mode(shareable))
        .to have_attributes(name: :threaded, reason: "ractors of Ruby #{RUBY_VERSION} get in each other's way")
    end

    it "is threads where closures stop all ractors, if there are several" do
      allow(described_class).to receive(:closures_stop_ractors?).and_return(true)

      expect(mode(shareable)).to have_attributes(name: :threaded, warning: nil, reason: /YJIT/)
      allow(Kino::Configuration::Cpus).to receive(:count).and_return(2)
      expect(described_class.of(shareable, Kino::Configuration.new(mode: :auto)).name).to be(:threaded)
      expect(mode(shareable, workers: 1).name).to be(:ractor)
    end

    it "is threads for an app that can't be shared" do
      expect(mode(unshareable)).to have_attributes(name: :threaded, warning: nil, reason: /kino --check says why/)
    end

    it "is threads for an app that can be shared, and would fail all the same" do
      allow(Kino::Check).to receive(:findings).with(shareable).and_return([finding("@@count is no constant")])

      expect(mode(shareable)).to have_attributes(name: :threaded, warning: nil, reason: /kino --check says why/)
    end
  end

  describe ".closures_stop_ractors?" do
    before { allow(described_class).to receive(:closures_stop_ractors?).and_call_original }

    def with(version, yjit)
      stub_const("RUBY_VERSION", version)
      stub_const("RubyVM::YJIT", Module.new { define_singleton_method(:enabled?) { yjit } })
      described_class.closures_stop_ractors?
    end

    it "is so with YJIT, before Ruby 4.1" do
      expect([with("3.3.8", true), with("4.0.5", true)]).to eq([true, true])
      expect([with("4.0.5", false), with("4.1.0", true)]).to eq([false, false])
    end

    it "is not so where Ruby has no YJIT" do
      hide_const("RubyVM::YJIT")

      expect(described_class.closures_stop_ractors?).to be(false)
    end
  end
end
