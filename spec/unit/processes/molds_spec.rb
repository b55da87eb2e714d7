# frozen_string_literal: true

require "kino/processes/molds"

RSpec.describe Kino.const_get(:Molds) do
  subject(:molds) { described_class.new }

  # A mold, as the parent has it.
  let(:child_class) do
    Struct.new(:name, :served_since, :is_leaving) do
      def ready = self.served_since = 1.0
      def drain = self.is_leaving = true
      def leaving? = !!is_leaving
    end
  end
  let(:first) { child_class.new(:first) }
  let(:second) { child_class.new(:second) }

  # With one that is there already.
  def settled
    first.ready
    molds.current = first
    molds
  end

  it "has nothing to fork from before the first has booted" do
    expect([molds.source, molds.settle, molds.give_up]).to eq([nil, false, nil])

    molds.current = first
    expect(molds.source).to be_nil
    first.ready
    expect(molds.source).to be(first)
  end

  it "has nothing to fork from once that is told to end" do
    settled
    first.drain

    expect(molds.source).to be_nil
  end

  it "forks from the one that is there while another boots" do
    settled.try(second, :restart)

    expect([molds.source, molds.candidate, molds.reason]).to eq([first, second, :restart])
  end

  it "forks from another once that has booted, and keeps the one before" do
    settled.try(second, :restart)
    second.ready

    expect([molds.source, molds.current, first.leaving?]).to eq([second, first, false])
  end

  %i[restart refork].each do |reason|
    it "goes on with another once a process of it serves, and the one before leaves when all do: by a #{reason}" do
      settled.try(second, reason)
      second.ready

      expect([molds.settle, molds.former?]).to eq([true, reason == :restart])
      expect([molds.source, molds.current, molds.candidate]).to eq([second, second, nil])
      expect([first, second].map(&:leaving?)).to eq([reason == :refork, false])
      molds.finish
      expect([first, second].map(&:leaving?)).to eq([true, false])
    end
  end

  it "goes back to the one before, which is there until all processes are of the other" do
    settled.try(second, :restart)
    second.ready
    molds.settle
    molds.go_back

    expect([molds.source, molds.former?, second.leaving?, first.leaving?]).to eq([first, false, true, false])
  end

  it "forgets those that are gone" do
    settled.try(second, :restart)
    second.ready
    molds.settle
    molds.gone(first)
    expect([molds.former?, molds.current]).to eq([false, second])
    molds.gone(second)
    expect(molds.current).to be_nil
  end

  it "goes on with one that has served where there was none before" do
    molds.try(first, :refork)
    first.ready

    expect([molds.settle, molds.current]).to eq([true, first])
  end

  it "doesn't go on with one that has not booted" do
    settled.try(second, :restart)

    expect([molds.settle, molds.current, molds.candidate, first.leaving?]).to eq([false, first, second, false])
  end

  it "settles once" do
    settled.try(second, :restart)
    second.ready
    molds.settle

    expect([molds.settle, molds.current, second.leaving?]).to eq([false, second, false])
  end

  it "goes on with the one that is there when another is given up before it has booted" do
    settled.try(second, :restart)

    expect(molds.give_up).to be(second)
    expect([molds.source, molds.candidate, molds.give_up]).to eq([first, nil, nil])
  end

  it "goes on with the one that is there when another is given up after that" do
    settled.try(second, :restart)
    second.ready
    molds.give_up

    expect([molds.source, molds.settle, first.leaving?]).to eq([first, false, false])
  end

  it "tries a third one after one that was given up" do
    third = child_class.new(:third)
    settled.try(second, :restart)
    molds.give_up
    molds.try(third, :restart)
    third.ready
    molds.settle
    molds.finish

    expect([molds.source, first.leaving?]).to eq([third, true])
  end

  it "forks from another while the one that was there is gone" do
    settled.try(second, :restart)
    second.ready
    molds.current = child_class.new(:another)

    expect(molds.source).to be(second)
  end
end
