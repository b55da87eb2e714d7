# frozen_string_literal: true

require "kino"
require "kino/processes/tether"
require "kino/processes/wire"

RSpec.describe Kino.const_get(:Tether) do
  let!(:ends) { Kino.const_get(:Wire).pair }

  after { ends.each(&:close) }

  # In a process that it may bind to this one.
  def tied?
    pid = fork do
      ends.first.close
      exit!(described_class.tie(ends.last))
    end
    Process.wait2(pid).last.success?
  end

  it "says hello to a parent that is there" do
    expect(tied?).to be(true)
    expect(ends.first.hear.map(&:first)).to eq(["hello"])
  end

  it "says that there is none any more" do
    ends.first.close

    expect(tied?).to be(false)
  end
end
