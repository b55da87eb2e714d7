# frozen_string_literal: true

require "kino"

RSpec.describe Kino.const_get(:IdleCollector) do
  # What a process's garbage collector tells, and is told.
  collector = Struct.new(:count, :need_major_by, :stats, :started) do
    def latest_gc_info(_) = need_major_by

    def stat(name) = stats.fetch(name) { raise ArgumentError, "unknown key: #{name}" }

    def start
      self.started += 1
      self.count += 1
    end
  end

  # An engine that tells of so many moments, in some of which nothing is in flight any more.
  engine = Struct.new(:moments, :used) do
    def await_leisure = moments.shift

    def used_leisure = self.used += 1
  end

  let(:far) do
    { old_objects: 50, old_objects_limit: 100, remembered_wb_unprotected_objects: 5,
      remembered_wb_unprotected_objects_limit: 10, oldmalloc_increase_bytes: 10, oldmalloc_increase_bytes_limit: 1000 }
  end

  # How often garbage is collected at so many moments.
  define_method(:collected) do |*moments, by: nil, **stats|
    gc = collector.new(5, by, far.merge(stats), 0)
    native = engine.new(moments, 0)
    one = described_class.new(native, gc).start
    one.instance_variable_get(:@thread).join
    one.stop
    expect(native.used).to eq(gc.started)
    gc.started
  end

  it "collects nothing while the next major collection is far" do
    expect(collected(true, true)).to eq(0)
  end

  it "collects when it is known that the next one is to be major" do
    expect(collected(true, by: :oldgen)).to eq(1)
  end

  { old_objects: 95, remembered_wb_unprotected_objects: 9, oldmalloc_increase_bytes: 901 }.each do |name, number|
    it "collects when #{name} are near their limit" do
      expect(collected(true, name => number)).to eq(1)
    end
  end

  it "collects nothing where a request has come meanwhile" do
    expect(collected(false, by: :oldgen)).to eq(0)
  end

  it "doesn't collect again before another collection has shown that it is worth it" do
    expect(collected(true, true, true, by: :oldgen)).to eq(1)
  end

  it "is refused where the collector doesn't tell" do
    gc = collector.new(0, nil, {}, 0)
    expect { described_class.new(engine.new([], 0), gc).start }
      .to raise_error(Kino::ConfigurationError, /\Agc_when_idle: .*unknown key: old_objects.*leave gc_when_idle out\z/)
  end
end
