# frozen_string_literal: true

require "kino/errors"
require "kino/workers/ractors"
require "open3"
require "rbconfig"

RSpec.describe Kino.const_get(:Ractors) do
  # Hooks as users write them: where `self` can be shared, as in a kino.rb.
  def hook(text) = "".freeze.instance_eval(text, "kino.rb", 7)

  it "starts a ractor with what it is given, and gets what it made" do
    ractor = described_class.start("a", :b, name: "kino 1") { |*given| [given, Ractor.current.name] }

    expect(described_class.value(ractor)).to eq([["a", :b], "kino 1"])
  end

  it "gets the error of a ractor that has raised" do
    ractor = described_class.start do
      Thread.current.report_on_exception = false
      raise KeyError, "oops"
    end

    expect { described_class.value(ractor) }
      .to raise_error(Ractor::RemoteError) { |error| expect(error.cause).to be_a(KeyError) }
  end

  it "has Ruby say once that ractors are experimental, and warn of all else as before" do
    script = 'Warning[:experimental] = true; require "kino/workers/ractors"; ' \
             "ractors = Kino.const_get(:Ractors); 2.times { ractors.value(ractors.start {}) }; " \
             "print Warning[:experimental]"
    out, err, = Open3.capture3(RbConfig.ruby, "-I", File.expand_path("../../lib", __dir__), "-e", script)

    expect(out).to eq("true")
    expect(err.scan("experimental").size).to eq(1)
  end

  it "knows from which Ruby on ractors run beside each other" do
    expect(described_class.parallel?).to be(RUBY_VERSION.to_f >= 4.0)
  end

  it "makes a proc that ractors share of a block that uses nothing else" do
    greeting = "hello"
    ractors = described_class
    made = nil.instance_exec { ractors.shareable_proc { |name| "#{greeting} #{name}" } }

    expect(Ractor.shareable?(made)).to be(true)
    expect(made.call("you")).to eq("hello you")
  end

  describe "hooks" do
    it "are shared as they are where they can be" do
      shareable = Class.new { def self.call(_) = nil }

      expect(described_class.share(shareable)).to be(shareable)
    end

    it "are shared when they are blocks that use only what can be shared" do
      shared = described_class.share(hook('greeting = "worker".freeze; proc { |worker| "#{greeting} #{worker}" }'))

      expect(Ractor.shareable?(shared)).to be(true)
      expect(shared.call(1)).to eq("worker 1")
    end

    it "are refused with their file and line when they use anything else" do
      filling = hook("cache = {}\nproc { |worker| cache[worker] = true }")

      expect { described_class.share(filling) }
        .to raise_error(Kino::ConfigurationError, /\Akino\.rb:8: this hook .* can't be shared .* \(.+\); let it use/)
    end

    it "are refused by what they are when they are objects that can't be shared" do
      object = Struct.new(:connections) { def call(_) = nil }.new([])

      expect { described_class.share(object) }
        .to raise_error(Kino::ConfigurationError, /\A#<struct connections=\[\]>: .* is not shareable.*a module with/)
    end
  end
end
