# frozen_string_literal: true

require "kino/errors"
require "kino/workers/supervisor"
require "stringio"

RSpec.describe Kino::Supervisor do
  include Eventually

  # Counts the dead, as the engine does, and ends when it is told to.
  let(:native) do
    Class.new do
      attr_reader :dead, :stopped

      def initialize = @dead = 0
      def died = @dead += 1
      def stop = @stopped = true
    end.new
  end

  # Runs workers as a dispatcher does: each takes the outcome that comes next.
  let(:dispatcher) do
    Class.new do
      attr_reader :runs, :outcomes, :replaced

      def initialize
        @runs = []
        @outcomes = Queue.new
        @replaced = []
      end

      def run(index)
        @runs << index
        @outcomes.pop.then { |outcome| outcome.respond_to?(:call) ? outcome.call : outcome }
      end

      def worker?(thread) = thread == :mine
      def replace(gvl_group, worker) = @replaced << [gvl_group, worker]
    end.new
  end

  # What a supervisor waits with before it starts a worker again: tells for how long, and doesn't.
  let(:stop) do
    Class.new(Thread::Queue) do
      attr_reader :waits

      def pop(timeout:) = (@waits ||= []) << timeout
    end.new
  end

  let(:errors) { StringIO.new }
  let(:ended) { outcome(:ended, nil) }
  let(:clock) { [0] }

  def outcome(kind, report = "oops (RuntimeError)\n\tfrom app.rb:1\n") = Kino::Worker::Outcome.new(kind, report)

  def supervisor(size = 1, &block)
    dispatcher # which has a queue of its own
    allow(Thread::Queue).to receive(:new).and_return(stop)
    made = described_class.new(native, size, errors) { |start_another| block&.call(start_another) || dispatcher }
    allow(Thread::Queue).to receive(:new).and_call_original
    made.tap { allow(made).to receive(:now) { clock.first } }
  end

  # Runs one worker through these outcomes, until all is over.
  def live_through(*outcomes)
    outcomes.each { |outcome| dispatcher.outcomes << outcome }
    supervisor = supervisor().tap(&:start)
    supervisor.join
    supervisor
  end

  it "starts as many workers as it is to, each with a gvl_group of its own, and waits until all have ended" do
    supervisor = supervisor(3).tap(&:start)
    eventually("all have started") { dispatcher.runs.size == 3 }

    expect(dispatcher.runs).to contain_exactly(0, 1, 2)
    expect(supervisor.join(0)).to be(false)
    3.times { dispatcher.outcomes << ended }
    expect(supervisor.join(Eventually::DEADLINE)).to be(true)
    expect([native.dead, native.stopped, errors.string]).to eq([0, nil, ""])
  end

  it "starts a worker that has died again, counts it and says why" do
    live_through(outcome(:died), ended)

    expect(dispatcher.runs).to eq([0, 0])
    expect(native.dead).to eq(1)
    expect(errors.string).to eq("kino: worker 1 died: oops (RuntimeError)\n\tfrom app.rb:1\n\n")
  end

  it "starts a worker again even where nobody can be told that it died" do
    reader, writer = IO.pipe
    reader.close
    allow(errors).to receive(:write) { |text| writer.syswrite(text) }
    live_through(outcome(:died), ended)

    expect(dispatcher.runs).to eq([0, 0])
  end

  it "starts one that could not boot again, and says why" do
    live_through(outcome(:unbooted), ended)

    expect(native.dead).to eq(1)
    expect(errors.string).to start_with("kino: worker 1 could not boot: oops (RuntimeError)\n")
  end

  it "starts it at once the first times, and waits longer each time it dies early, up to half a second" do
    live_through(*[outcome(:died)] * 9, ended)

    expect(stop.waits).to eq([0.1, 0.2, 0.4, 0.5, 0.5, 0.5])
  end

  it "waits from the second time on when it can't boot" do
    live_through(*[outcome(:unbooted)] * 4, ended)

    expect(stop.waits).to eq([0.1, 0.2, 0.4])
  end

  it "starts it at once again when it has lived for a while" do
    old_age = lambda do
      clock[0] += 1
      outcome(:died)
    end
    live_through(*[outcome(:died)] * 5, old_age, *[outcome(:died)] * 4, ended)

    expect(stop.waits).to eq([0.1, 0.2, 0.1])
  end

  it "ends the server when a worker can't boot five times in a row" do
    expect { live_through(*[outcome(:unbooted)] * 5) }.to raise_error(
      Kino::WorkerBootError,
      "worker 1 could not boot 5 times in a row, so the server ends; the last time on_worker_boot raised: " \
      "oops (RuntimeError)"
    )
    expect([dispatcher.runs.size, native.dead, native.stopped]).to eq([5, 5, true])
  end

  it "tries on when it has booted in between" do
    failed = [outcome(:unbooted)] * 4
    served = lambda do
      clock[0] += 1
      outcome(:died)
    end

    expect { live_through(*failed, served, *failed, ended) }.not_to raise_error
    expect([native.dead, native.stopped]).to eq([9, nil])
  end

  it "never gives up a worker that boots" do
    live_through(*[outcome(:died)] * 20, ended)

    expect([native.dead, native.stopped]).to eq([20, nil])
  end

  it "doesn't take a worker that died early for one that could not boot" do
    expect { live_through(*[outcome(:died)] * 4, outcome(:unbooted), ended) }.not_to raise_error
    expect(native.stopped).to be_nil
  end

  it "starts none once it has been stopped, and says nothing of those that end" do
    supervisor = supervisor().tap(&:start)
    eventually("it has started") { dispatcher.runs.size == 1 }
    supervisor.stop
    dispatcher.outcomes << outcome(:died)

    expect(supervisor.join(Eventually::DEADLINE)).to be(true)
    expect([dispatcher.runs.size, native.dead, errors.string]).to eq([1, 0, ""])
  end

  it "starts another when its dispatcher asks for one, and waits for that, too" do
    start_another = nil
    supervisor = supervisor(2) { |given| (start_another = given) && nil }.tap(&:start)
    start_another.call
    eventually("all have started") { dispatcher.runs.size == 3 }

    expect(dispatcher.runs).to include(2)
    2.times { dispatcher.outcomes << ended }
    expect(supervisor.join(0)).to be(false)
    dispatcher.outcomes << ended
    expect(supervisor.join(Eventually::DEADLINE)).to be(true)
  end

  it "hands on what only its dispatcher knows" do
    supervisor = supervisor()
    supervisor.replace(3, 7)

    expect([supervisor.worker?(:mine), supervisor.worker?(Thread.current)]).to eq([true, false])
    expect(dispatcher.replaced).to eq([[3, 7]])
  end
end
