# frozen_string_literal: true

require "fileutils"
require "kino/processes/restart_file"
require "tmpdir"

RSpec.describe Kino.const_get(:RestartFile) do
  around { |example| Dir.mktmpdir { |folder| (@path = "#{folder}/restart.txt") && example.run } }

  let(:clock) { Struct.new(:time) { def call = time }.new(100.0) }

  def file(path = @path) = described_class.new(path, clock:)

  def touch(time) = FileUtils.touch(@path, mtime: Time.at(time))

  it "is touched once for each touch, also of one that there was not" do
    restart = file
    expect(restart.touched?).to be(false)
    touch(1)
    clock.time += 1
    expect([restart.touched?, restart.touched?]).to eq([true, false])
    clock.time += 1
    expect(restart.touched?).to be(false)
    touch(2)
    clock.time += 1
    expect(restart.touched?).to be(true)
  end

  it "was not touched by what was there at the start, nor by its end" do
    touch(1)
    restart = file
    clock.time += 1
    expect(restart.touched?).to be(false)
    File.delete(@path)
    clock.time += 1
    expect(restart.touched?).to be(false)
  end

  it "is looked at every second" do
    restart = file
    restart.touched?
    touch(1)
    expect([restart.touched?, restart.patience]).to eq([false, 1.0])
    clock.time += 0.75
    expect(restart.patience).to eq(0.25)
  end

  it "is none where none is named, and another once that is" do
    restart = file(nil)
    expect([restart.touched?, restart.patience]).to eq([false, nil])
    restart.follow(@path)
    touch(1)
    expect([restart.touched?, restart.patience]).to eq([true, 1.0])
  end
end
