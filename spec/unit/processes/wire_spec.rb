# frozen_string_literal: true

require "kino/processes/wire"

RSpec.describe Kino.const_get(:Wire) do
  let!(:ends) { described_class.pair }
  let(:ours) { ends.first }
  let(:theirs) { ends.last }

  after { ends.each(&:close) }

  it "carries words" do
    expect(ours.tell("fork", 1, :mold)).to be(true)
    expect(theirs.hear).to eq([%w[fork 1 mold]])
  end

  it "carries both ways" do
    ours.tell("drain")
    theirs.tell("ready")

    expect([ours.hear, theirs.hear]).to eq([[["ready"]], [["drain"]]])
  end

  it "carries any text: of several lines, with spaces, beyond ASCII, and none at all" do
    texts = ["app.rb:1: oops\n\tfrom app.rb:2\n", " two  words ", "zażółć 🍿", "", "\0", ""]
    ours.tell("failed", *texts)

    expect(theirs.hear).to eq([["failed", *texts]])
  end

  it "carries bytes that are no text" do
    ours.tell("failed", "\xff\xfe".b)

    expect(theirs.hear.first.last.b).to eq("\xff\xfe".b)
  end

  it "carries more to the parent than fits into it at once" do
    report = "a line of a long report\n" * 100_000
    teller = Thread.new { theirs.tell("failed", report) && theirs.tell("left") }

    expect([ours.wait, ours.wait]).to eq([["failed", report], ["left"]])
    expect(teller.value).to be(true)
  end

  it "has the parent wait for nobody who reads nothing, and then says so" do
    told = (1..100_000).take_while { |number| ours.tell("reload", number) }

    expect(told.size).to be_between(1, 99_999)
    expect(theirs.hear).to eq(told.map { |number| ["reload", number.to_s] })
    expect(ours.tell("drain")).to be(true)
    expect(theirs.hear).to eq([%w[drain]])
  end

  it "gives the parent's descriptor to nobody who reads nothing" do
    nil while ours.tell("reload")
    reader, writer = IO.pipe
    expect(ours.tell("fork", descriptor: reader)).to be(false)
    reader.close
    theirs.hear

    expect(theirs.take_descriptor).to be_nil
    expect { writer << "x" }.to raise_error(Errno::EPIPE)
  end

  it "ends where only half of a message has found room" do
    expect(ours.tell("failed", "x" * 10_000_000)).to be(false)
    expect(ours).to be_closed
    expect(theirs.hear).to be_nil
  end

  it "tells several messages at once, oldest first, and each once" do
    ours.tell("hello", 7)
    ours.tell("ready")

    expect(theirs.hear).to eq([%w[hello 7], %w[ready]])
    expect(theirs.hear).to eq([])
  end

  it "waits for the rest of a message of which half has come" do
    line = "#{["ready"].pack("m0")}\n"
    ours.to_io.write(line[0, 3])
    expect(theirs.hear).to eq([])

    ours.to_io.write(line[3..])
    expect(theirs.hear).to eq([["ready"]])
  end

  it "carries descriptors, in the order of their messages" do
    readers = %w[first second].map do |text|
      reader, writer = IO.pipe
      writer << text
      writer.close
      ours.tell("fork", text, descriptor: reader)
      reader
    end
    readers.each(&:close)

    expect(theirs.take_descriptor).to be_nil
    expect(theirs.hear).to eq([%w[fork first], %w[fork second]])
    expect(Array.new(2) { theirs.take_descriptor.then { |io| io.read.tap { io.close } } }).to eq(%w[first second])
    expect(theirs.take_descriptor).to be_nil
  end

  it "carries a wire's end" do
    near, far = described_class.pair
    ours.tell("fork", descriptor: far.to_io)
    far.close
    theirs.wait
    handed_on = described_class.new(theirs.take_descriptor)
    handed_on.tell("hello")

    expect(near.hear).to eq([["hello"]])
  ensure
    [near, handed_on].each(&:close)
  end

  it "hears what a dead end told last, and then that it is dead" do
    ours.tell("left")
    ours.close

    expect([theirs.hear, theirs.hear, theirs.hear]).to eq([[["left"]], nil, nil])
  end

  it "hears nothing of a message that a dead end has not finished" do
    ours.to_io.write("cmVhZHk")
    ours.close

    expect(theirs.hear).to be_nil
  end

  it "hears no more once it is closed" do
    theirs.close

    expect(theirs).to be_closed
    expect(theirs.hear).to be_nil
  end

  it "knows of the other's death by the end of its process" do
    pid = fork do
      ours.close
      theirs.tell("hello")
      exit!(0)
    end
    theirs.close
    Process.wait(pid)

    expect([ours.hear, ours.hear]).to eq([[["hello"]], nil])
  end

  it "tells a dead end nothing, and says so" do
    theirs.close

    expect(ours.tell("drain")).to be(false)
  end

  it "tells nothing once it is closed, and says so" do
    ours.close

    expect(ours.tell("drain")).to be(false)
  end

  describe "#wait" do
    it "waits for a message" do
      waiting = Thread.new { theirs.wait }
      ours.tell("fork", 3)

      expect(waiting.value).to eq(%w[fork 3])
    end

    it "gives one message a time" do
      ours.tell("fork", 1)
      ours.tell("fork", 2)

      expect([theirs.wait, theirs.wait]).to eq([%w[fork 1], %w[fork 2]])
    end

    it "gives all that a dead end told, and then nil" do
      ours.tell("fork", 1)
      ours.tell("leave")
      ours.close

      expect(Array.new(4) { theirs.wait }).to eq([%w[fork 1], %w[leave], nil, nil])
    end
  end
end
