# frozen_string_literal: true

require "kino/server/sharing"

RSpec.describe Kino.const_get(:Sharing) do
  before { hide_const("Rails") }

  # Shares itself, and nothing else does.
  let(:sharing) do
    Class.new do
      attr_reader :calls

      def initialize = @lock = Mutex.new

      def call(_env) = [200, {}, ["shared"]]

      def ractorize!
        @calls = calls.to_i + 1
        @lock = nil
        Ractor.make_shareable(self)
      end
    end.new
  end
  # What a config.ru has around an app.
  let(:around) { Struct.new(:app, :headers) { def call(env) = app.call(env) } }

  def rails(application) = stub_const("Rails", Module.new { define_singleton_method(:application) { application } })

  it "has an app share itself, once" do
    2.times { described_class.share(sharing) }

    expect(sharing).to have_attributes(calls: 1, frozen?: true)
    expect(Ractor.shareable?(sharing)).to be(true)
  end

  it "has Rails' application share itself, and shares what stands around it" do
    rails(sharing)
    app = around.new(sharing, { "x-name" => +"one" })
    described_class.share(app)

    expect(Ractor.shareable?(app)).to be(true)
    expect(sharing.calls).to eq(1)
  end

  it "prefers the app's own way to Rails'" do
    rails(Class.new { def ractorize! = raise("not asked") }.new)
    described_class.share(sharing)

    expect(sharing.calls).to eq(1)
  end

  it "leaves alone what is shared already, and what doesn't know how" do
    frozen = Ractor.make_shareable(around.new(nil, {}))
    unfrozen = around.new(->(_) {}, {})
    [frozen, unfrozen].each { |app| described_class.share(app) }

    expect(unfrozen).not_to be_frozen
  end

  it "leaves an app alone beside Rails without an application, or one that knows nothing of ractors" do
    app = around.new(nil, {})
    [Module.new, rails(nil), rails(Object.new)].each do |one|
      stub_const("Rails", one)
      described_class.share(app)
    end

    expect(app).not_to be_frozen
  end

  it "knows which apps share themselves" do
    app = around.new(nil, {})

    expect([described_class.known?(sharing), described_class.known?(app)]).to eq([true, false])
    rails(sharing)
    expect(described_class.known?(app)).to be(true)
    described_class.share(app)
    expect(described_class.known?(app)).to be(false)
  end

  it "says what failed and where, and that the process can't go on with the app" do
    failing = Class.new { def ractorize! = raise(Ractor::IsolationError, "Proc's self is not shareable") }.new

    expect { described_class.share(failing) }.to raise_error(Kino::UnshareableAppError) { |error|
      expect(error.message)
        .to match(/its ractorize! raised Ractor::IsolationError: .* not shareable \(.*sharing_spec\.rb:\d+:/)
      expect(error.message).to include("Some of it is frozen now", "mode :threaded")
      expect(error.cause).to be_a(Ractor::IsolationError)
    }
  end

  it "says so, too, of what stands around an app and can't be shared" do
    app = around.new(sharing, { "lock" => Mutex.new })
    rails(sharing)

    expect { described_class.share(app) }.to raise_error(Kino::UnshareableAppError, /Mutex/)
  end
end
