# frozen_string_literal: true

require "kino/configuration"
require "kino/workers/crew"

RSpec.describe Kino.const_get(:Crew) do
  # Says how many threads are lacking, and which have rested, as the engine does.
  let(:native) do
    Class.new do
      attr_accessor :lacking_now, :rested_now, :bounds, :asked

      def vary(*bounds) = @bounds = bounds
      def lacking(_) = lacking_now
      def filled(_) = self.lacking_now -= 1

      def rested(_, seconds)
        @asked = seconds
        rested_now
      end
    end.new.tap do |native|
      native.lacking_now = 0
      native.rested_now = []
    end
  end

  # A worker that is known by the numbers of its threads.
  let(:worker_class) do
    Struct.new(:threads, :fails) do
      def size = threads.size
      def reinforce = fails ? raise(ThreadError, "none left") : threads << :new
      def release(number) = !threads.delete(number).nil?
    end
  end

  let(:clock) { [100.0] }

  before { allow(Process).to receive(:clock_gettime) { clock.first } }

  def crew = @crew ||= described_class.new(native, 1, 20)

  def worker(*threads, fails: false) = worker_class.new(threads, fails)

  def pass(seconds) = clock[0] += seconds

  it "is there where threads come and go, and has the engine know the bounds of all workers" do
    of = ->(**settings) { described_class.of(native, Kino::Configuration.new(**settings)) }
    expect(of.call(threads: 5)).to be_nil
    expect(of.call(mode: :ractor, threads: 2..5, max_io_threads: 3)).to be_nil
    expect(native.bounds).to be_nil
    expect(of.call(workers: 2, threads: 3..16)).to be_a(described_class)
    expect(native.bounds).to eq([0, 6, 32, 0])
    expect(of.call(threads: 5, max_io_threads: 4)).to be_a(described_class)
    expect(native.bounds).to eq([0, 5, 5, 4])
  end

  it "starts as many threads as are lacking, for those that have fewest" do
    native.lacking_now = 3
    workers = [worker(1, 2), worker(3)]
    crew.look(workers)

    expect(workers.map(&:size)).to eq([3, 3])
    expect(native.lacking_now).to eq(0)
  end

  it "starts none while no worker serves" do
    native.lacking_now = 3
    crew.look([])

    expect(native.lacking_now).to eq(3)
    expect(crew.interval).to be_nil
  end

  it "tries again in a while where the system gives no thread" do
    native.lacking_now = 2
    one = worker(1, fails: true)
    crew.look([one])
    expect([one.size, crew.interval]).to eq([1, 1])
    one.fails = false
    crew.look([one])
    expect(one.size).to eq(1)
    pass(1)
    crew.look([one])
    expect([one.size, native.lacking_now]).to eq([3, 0])
  end

  it "ends one that has rested after the other, down to the least of each worker" do
    workers = [worker(1), worker(2, 3, 4)]
    native.rested_now = [1, 4, 3, 2]
    crew.look(workers)
    expect([workers.map(&:threads), native.asked, crew.interval]).to eq([[[1], [2, 3]], 20.0, 5.0])
    crew.look(workers)
    expect(workers.last.threads).to eq([2, 3])
    pass(5)
    crew.look(workers)
    expect(workers.map(&:threads)).to eq([[1], [2]])
    pass(5)
    crew.look(workers)
    expect([workers.map(&:threads), crew.interval]).to eq([[[1], [2]], nil])
  end
end
