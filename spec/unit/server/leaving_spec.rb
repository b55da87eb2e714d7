# frozen_string_literal: true

require "open3"
require "rbconfig"

RSpec.describe "Kino::Leaving" do
  # Runs a script in a process of its own, which has a thread that nothing ends: what it prints, and its exit status.
  def leave(script)
    lib = File.expand_path("../../../lib", __dir__)
    output, status = Open3.capture2e(RbConfig.ruby, "-I#{lib}", "-r", "kino/server/leaving", "-e", <<~RUBY)
      $stdout.sync = true
      Leaving = Kino.const_get(:Leaving)
      deaf = -> { begin sleep ensure deaf.call end }
      Thread.new { deaf.call }.then { |thread| Thread.pass until thread.stop? }
      #{script}
    RUBY
    [output, status.exitstatus]
  end

  it "runs what is to be done at exit and what is to be ensured, and ends with the status, whatever threads do" do
    expect(leave(<<~RUBY)).to eq(["ensured last first ", 143])
      at_exit { print "first " }
      at_exit { print "last " }
      begin
        Leaving.leave(143)
      ensure
        print "ensured "
      end
    RUBY
  end

  it "ends with the status where there is nothing to be done" do
    expect(leave("Leaving.leave(1)")).to eq(["", 1])
  end

  it "waits no longer than a second for what doesn't end" do
    expect(leave("at_exit { print 'never' }; at_exit { print 'began'; sleep }; Leaving.leave(130)"))
      .to eq(["began", 130])
  end

  it "ends with the status where somebody rescues all there is" do
    expect(leave("begin; Leaving.leave(130); rescue SystemExit; sleep; end")).to eq(["", 130])
  end

  # An end in order, by whoever has called.
  { "exit(3)" => 3, "exit" => 0, "" => 0, "raise 'on standard error'" => 1, "raise SignalException, 'TERM'" => 143 }
    .each do |ending, status|
    it "bounds what is to be done at exit by a second and what is left of the time, however that comes: #{ending}" do
      expect(leave(<<~RUBY)).to match([/\Abegan/, status])
        at_exit { print "never" }
        at_exit { print "began"; sleep }
        Leaving.begin(0)
        Leaving.bound(3600)
        #{ending}
      RUBY
    end
  end

  it "bounds it by the time that there is where no end has begun before" do
    expect(leave("at_exit { print 'began'; sleep }; Leaving.bound(0); exit(4)")).to eq(["began", 4])
  end

  it "leaves threads the same time to come to their end, and ends with the status whether they do or don't" do
    script = 'Leaving.begin(%s); Thread.new { begin print "began "; sleep ensure %s end }.then { |thread| ' \
             "Thread.pass until thread.stop? }; Leaving.bound(0); exit(5)"
    expect(leave(format(script, 0, 'print("ended ")'))).to eq(["began ended ", 5])
    expect(leave(format(script, 0, "loop { begin sleep ensure next end }"))).to eq(["began ", 5])
  end

  it "waits for nothing where all is done, however often it was asked for" do
    lib = File.expand_path("../../../lib", __dir__)
    script = <<~RUBY
      leaving = Kino.const_get(:Leaving)
      leaving.begin(3600)
      leaving.hurry(1)
      2.times { leaving.bound(3600) }
      at_exit { print "done" }
      exit(6)
    RUBY
    output, status = Open3.capture2e(RbConfig.ruby, "-I#{lib}", "-r", "kino/server/leaving", "-e", script)
    expect([output, status.exitstatus]).to eq(["done", 6])
  end

  it "is none of a child's business" do
    expect(leave(<<~RUBY)).to eq(["child parent ", 7])
      Leaving.begin(0)
      Leaving.bound(0)
      child = fork { at_exit { sleep(Leaving::LIMIT * 1.5) && print("child ") } }
      Process.wait(child)
      print "parent "
      Process.exit!(7)
    RUBY
  end
end
