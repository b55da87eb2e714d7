# frozen_string_literal: true

require "kino/errors"
require "kino/workers/supervisor"
require "stringio"

RSpec.describe Kino.const_get(:Supervisor) do
  include Eventually

  # Counts the dead, as the engine does, ends when it is told to, and has time pass instead of waiting: it tells for how
  # long it was to wait. Without a limit it waits for a call.
  let(:native) do
    Class.new do
      attr_reader :dead, :stopped, :waits, :quarantined, :time

      def initialize
        @dead = @time = 0
        @waits = []
        @quarantined = []
        @calls = Queue.new
      end

      def died = @dead += 1
      def stop = @stopped = true
      def quarantine(gvl_group, thread) = @quarantined << [gvl_group, thread]
      def call = @calls << true
      def pause = nil

      def wait(seconds)
        return @calls.pop && false unless seconds

        @waits << seconds
        @time += seconds
        false
      end

      def pass(seconds) = @time += seconds
    end.new
  end

  # A worker whose life is a list of what its looks are to give, and its threads a number.
  let(:worker_class) do
    Struct.new(:index, :life, :grows) do
      def look = life.shift.then { |step| step.respond_to?(:call) ? step.call : step }
      def reinforce = grows
      def gvl_group = index
      def worker?(thread) = thread == :"thread of #{index}"
    end
  end

  let(:errors) { StringIO.new }
  let(:ended) { outcome(:ended, nil) }
  let(:hired) { [] }

  def outcome(kind, report = "oops (RuntimeError)\n\tfrom app.rb:1\n")
    Kino.const_get(:Worker)::Outcome.new(kind, report)
  end

  # One whose workers live as these lists say, in the order in which they are hired, each of which calls as soon as it
  # is, unless they are to wait.
  def supervisor(*lives, size: 1, watch: nil, grows: true, waits: false)
    made = described_class.new(native, size, errors, watch) do |index|
      hired << index
      native.call unless waits
      life = lives.shift
      life.respond_to?(:call) ? life.call : worker_class.new(index, life, grows)
    end
    made.tap { allow(made).to receive(:now) { native.time } }
  end

  # Has one place's workers come to these ends, until all is over.
  def live_through(*outcomes)
    supervisor = supervisor(*outcomes.map { |outcome| [outcome] }).start
    supervisor.join
    supervisor
  end

  it "starts as many workers as it is to, waits until all have ended, and tells" do
    told = Queue.new
    supervisor = supervisor([ended], [ended], [ended], size: 3, waits: true).start { told << true }
    eventually("all have started") { hired.size == 3 }

    expect(hired).to eq([0, 1, 2])
    expect(supervisor.join(0)).to be(false)
    expect(told).to be_empty
    native.call
    expect(supervisor.join(Eventually::DEADLINE)).to be(true)
    expect([take(told), native.dead, native.stopped, errors.string]).to eq([true, 0, nil, ""])
  end

  it "has one thread for all of them, which an app may end" do
    before = Thread.list
    supervisor = supervisor([ended], [ended], size: 2, waits: true).start
    eventually("all have started") { hired.size == 2 }
    threads = Thread.list - before
    expect(threads.map(&:name)).to eq(["kino supervisor"])

    threads.first.kill.join
    expect(supervisor.join(Eventually::DEADLINE)).to be(true)
    expect(hired.size).to eq(2)
  end

  it "starts a worker that has died again, counts it and says why" do
    live_through(outcome(:died), ended)

    expect(hired).to eq([0, 0])
    expect(native.dead).to eq(1)
    expect(errors.string).to eq("kino: worker 1 died: oops (RuntimeError)\n\tfrom app.rb:1\n\n")
  end

  it "starts a worker again even where nobody can be told that it died" do
    reader, writer = IO.pipe
    reader.close
    allow(errors).to receive(:write) { |text| writer.syswrite(text) }
    live_through(outcome(:died), ended)

    expect(hired).to eq([0, 0])
  end

  it "starts one that could not boot again, and says why" do
    live_through(outcome(:unbooted), ended)

    expect(native.dead).to eq(1)
    expect(errors.string).to start_with("kino: worker 1 could not boot: oops (RuntimeError)\n")
  end

  it "starts it at once the first times, and waits longer each time it dies early, up to half a second" do
    live_through(*[outcome(:died)] * 9, ended)

    expect(native.waits).to match([0.1, 0.2, 0.4, 0.5, 0.5, 0.5].map { |seconds| be_within(0.001).of(seconds) })
  end

  it "waits from the second time on when it can't boot" do
    live_through(*[outcome(:unbooted)] * 4, ended)

    expect(native.waits).to match([0.1, 0.2, 0.4].map { |seconds| be_within(0.001).of(seconds) })
  end

  it "starts it at once again when it has lived for a while" do
    old_age = lambda do
      native.pass(1)
      outcome(:died)
    end
    live_through(*[outcome(:died)] * 5, old_age, *[outcome(:died)] * 4, ended)

    expect(native.waits).to match([0.1, 0.2, 0.1].map { |seconds| be_within(0.001).of(seconds) })
  end

  it "ends the server when a worker can't boot five times in a row" do
    expect { live_through(*[outcome(:unbooted)] * 5) }.to raise_error(
      Kino::WorkerBootError,
      "worker 1 could not boot 5 times in a row, so the server ends; the last time on_worker_boot raised: " \
      "oops (RuntimeError)"
    )
    expect([hired.size, native.dead, native.stopped]).to eq([5, 5, true])
  end

  it "tries on when it has booted in between" do
    failed = [outcome(:unbooted)] * 4
    served = lambda do
      native.pass(1)
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
    supervisor = supervisor([outcome(:died)], waits: true).start
    eventually("it has started") { hired.size == 1 }
    supervisor.stop

    expect(supervisor.join(Eventually::DEADLINE)).to be(true)
    expect([hired.size, native.dead, errors.string]).to eq([1, 0, ""])
  end

  it "tries again where the system gives no thread, to a worker that begins or to one that serves" do
    no_thread = -> { raise ThreadError, "can't create Thread: Resource temporarily unavailable" }
    supervisor(no_thread, [no_thread, no_thread, ended]).start.join

    expect(hired).to eq([0, 0])
    expect(errors.string).to match(/\Akino: worker 1 died: .*can't create Thread: .* \(ThreadError\)/)
    expect(native.waits).to eq([1, 1])
  end

  describe "with a watch for what is stuck" do
    # One that finds these, once.
    def watch(*stuck)
      Struct.new(:stuck) do
        def interval = 0.25
        def look = stuck.shift(stuck.size).each { |gvl_group, thread| yield gvl_group, thread }
      end.new(stuck)
    end

    # What the first look finds is there from the second on.
    def finds_at_the_second_look(*stuck)
      watch = watch()
      [watch, -> { watch.stuck.concat(stuck) && nil }]
    end

    it "has a thread that is stuck serve no more, and its worker start another" do
      watch, find = finds_at_the_second_look([0, 7])
      supervisor([find, nil, ended], watch: watch).start.join

      expect([native.quarantined, hired, native.waits.uniq]).to eq([[[0, 7]], [0], [0.25]])
    end

    it "has another worker start where a worker can't start a thread, and waits for that, too" do
      watch, find = finds_at_the_second_look([1, 7])
      supervisor([nil, ended], [find, ended], [nil, nil, ended], size: 2, watch: watch, grows: false).start.join

      expect([native.quarantined, hired]).to eq([[[1, nil]], [0, 1, 2]])
    end
  end

  it "knows its workers' threads" do
    supervisor = supervisor([nil, nil, ended], [nil, nil, ended], size: 2)
    supervisor.look

    expect(supervisor).to be_worker(:"thread of 1")
    expect(supervisor).not_to be_worker(Thread.current)
  end
end
