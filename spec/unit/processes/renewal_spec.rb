# frozen_string_literal: true

require "kino/processes/renewal"

RSpec.describe Kino.const_get(:Renewal) do
  subject(:renewal) { described_class.new(spawner, voice) { undone << :settings } }

  # What stands in for a process: what it was forked from, and since when it serves.
  let(:child_class) do
    Struct.new(:name, :mold, :served_since, :is_leaving, :folder) do
      def ready = self.served_since = 1.0
      def leaving? = is_leaving
      def retire = self.is_leaving = true
      alias_method :drain, :retire
      alias_method :to_s, :name
      def promote = self.served_since = nil
    end
  end
  let(:configuration) { Struct.new(:preload, :restart_timeout).new(true, 120) }
  let(:spawner) do
    Struct.new(:site, :made).new(Struct.new(:configuration).new(configuration), []).tap do |spawner|
      %i[mold fresh_mold mold_again].each { |name| spawner.define_singleton_method(name) { |*| made.shift } }
    end
  end
  let(:voice) do
    Struct.new(:said) do
      def say(*lines) = said.concat(lines)
      alias_method :complain, :say
    end.new([])
  end
  let(:fleet) do
    Struct.new(:replaced, :is_replacing, :size) do
      def replace(processes = :all, reason: :asked) = replaced << [processes, reason]
      def replace_all_but(mold) = replaced << mold
      def forget_replacements = self.is_replacing = false
      def replacing? = is_replacing
      def processes = []
      def go_back_to(processes) = replaced << [:all_but, processes]
    end.new([], false, 2)
  end
  let(:undone) { [] }
  let(:first) { child_class.new("the first mold") }
  let(:second) { child_class.new("the second mold") }

  before do
    renewal.fleet = fleet
    spawner.made.push(first, second)
    renewal.boot
    renewal.booted(first)
    voice.said.clear
  end

  def process_of(mold) = child_class.new("process 1", mold)

  it "has nothing replaced from a mold that is none of what is tried" do
    renewal.restart
    renewal.booted(first)

    expect(fleet.replaced).to eq([])
    renewal.booted(second)
    expect([fleet.replaced, renewal.source]).to eq([[second], second])
  end

  it "goes on with a restart while a process of the one before can't be replaced" do
    renewal.restart
    renewal.failed(process_of(first), "no cache")

    expect(voice.said.last).to eq("a process could not be replaced, and all goes on as before: process 1 could not " \
                                  "boot: no cache")
    expect([renewal.under_way?, second.leaving?]).to eq([true, nil])
    renewal.booted(second)
    renewal.failed(process_of(second), "no cache")
    expect(voice.said.last).to start_with("the restart is given up, and all goes on as before: process 1 could not")
    expect([renewal.under_way?, second.leaving?, renewal.source]).to eq([false, true, first])
  end

  it "goes by the settings before where a restart that has read them is given up at once" do
    configuration.preload = false
    renewal.restart
    renewal.failed(process_of(nil), "no cache")

    expect([undone, renewal.under_way?]).to eq([[:settings], false])
  end

  it "says what has changed where a restart is given up later, also without a mold" do
    configuration.preload = false
    renewal.restart
    renewal.retire(process_of(nil), :asked)
    renewal.failed(process_of(nil), "no cache")

    expect(undone).to eq([])
    expect(voice.said.last).to start_with("the restart is given up, and processes that were not replaced go on as th")
  end

  # With one process of the second mold that serves.
  def half_done
    renewal.restart
    renewal.booted(second)
    renewal.retire(process_of(first), :asked)
    renewal.ready(process_of(second))
    fleet.is_replacing = true
    fleet.replaced.clear
  end

  it "goes back to the mold before where a restart fails half done" do
    half_done
    renewal.failed(process_of(second), "no cache")

    expect(voice.said.last).to eq("the restart is given up, and all goes back to how it was: process 1 could not " \
                                  "boot: no cache")
    expect([renewal.source, second.leaving?, first.leaving?]).to eq([first, true, nil])
    expect([fleet.replaced, undone, renewal.under_way?]).to eq([[[:all_but, []]], [:settings], true])
    renewal.retire(process_of(second), :asked)
    renewal.failed(process_of(first), "no cache")
    expect(voice.said.last).to start_with("the return is given up, and processes that were not replaced go on as they")
    expect(renewal.under_way?).to be(false)
  end

  it "goes back where the new mold dies half way, and not where the one before has" do
    half_done
    renewal.mold_gone(second, "it ended (SIGKILL)")

    expect(voice.said.last).to start_with("the restart is given up, and all goes back to how it was: the mold died: it")
    fleet.is_replacing = false
    renewal.look
    expect([renewal.source, voice.said.last]).to eq([first, "Gone back: 2 processes"])
  end

  it "goes on half done where the mold before is gone, and then another process can't boot" do
    half_done
    renewal.mold_gone(first, "it ended (SIGKILL)")
    renewal.failed(process_of(second), "no cache")

    expect(voice.said.last).to start_with("the restart is given up, and processes that were not replaced go on as they")
    expect([renewal.source, fleet.replaced, undone]).to eq([second, [], []])
  end

  it "says that nothing has changed where only a process was replaced that had served for long enough" do
    renewal.restart
    renewal.booted(second)
    renewal.retire(process_of(first), :recycle)
    renewal.failed(process_of(second), "no cache")

    expect(voice.said.last).to start_with("the restart is given up, and all goes on as before")
  end

  it "has not reforked where the process that was to be forked from has gone before" do
    renewal.refork(process_of(first))
    fleet.is_replacing = true
    renewal.look
    expect(voice.said.size).to eq(1)
    fleet.is_replacing = false
    renewal.look

    expect(voice.said.last).to eq("the refork is given up, and all goes on as before: the process that was to be " \
                                  "forked from is there no more")
    expect(renewal.under_way?).to be(false)
  end

  it "has reforked once all are forked from the process that has served" do
    served = process_of(first)
    renewal.refork(served)
    renewal.retire(served, :refork)
    renewal.look
    renewal.booted(served)
    renewal.ready(process_of(served))
    renewal.look

    expect([fleet.replaced, voice.said.last]).to eq([[[[served], :refork], served], "Reforked: 2 processes"])
    expect([renewal.source, first.leaving?]).to eq([served, true])
  end
end
