# frozen_string_literal: true

require "kino"
require_relative "../../support/forked"

RSpec.describe "Which process is whose child" do
  include Forked

  let(:native) { Kino.const_get(:Native) }

  before { skip "only Linux has that" unless RUBY_PLATFORM.include?("linux") }

  it "ends a process by a signal when its parent has ended" do
    told, teller = IO.pipe
    grandchild = lambda do
      native.die_with("KILL")
      teller.puts("ready")
      sleep(Eventually::DEADLINE)
    end
    forked(->(_) { fork(&grandchild) }) do |pid|
      teller.close
      expect(told.gets).to eq("ready\n")
      Process.kill(:KILL, pid)
      # The last that has the other end is gone.
      expect(told.read).to eq("")
    end
  ensure
    told.close
  end

  it "has the children of children become those of who asks, when these have ended" do
    forked(lambda do |teller|
      native.subreaper
      Process.wait(fork { fork { exit!(7) } && exit!(0) })
      status = Process.wait2.last.exitstatus
      teller.puts("#{status} is not the grandchild's") unless status == 7
    end) { |pid| expect(pid).to be_positive }
  end

  it "knows a signal by its name and its number" do
    forked(lambda do |teller|
      all = [native.die_with("TERM"), native.die_with("SIGINT"), native.die_with(15), native.die_with(nil)]
      teller.puts(all.inspect) unless all.all?
    end) { |pid| expect(pid).to be_positive }
    expect { native.die_with("WHAT") }.to raise_error(ArgumentError, "WHAT is no signal")
  end
end
