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
end
