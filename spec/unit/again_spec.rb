# frozen_string_literal: true

require "stringio"
require "tmpdir"
require_relative "../../rakelib/again"

# What gives the tests in Rust another try.
RSpec.describe Again do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  let(:told) { StringIO.new }

  # A command that counts how often it is run, and passes where `code` is true of that number, "n".
  def command(code)
    script = "File.write('runs', 'x', mode: 'a'); n = File.size('runs'); exit(#{code})"
    [RbConfig.ruby, "-e", script]
  end

  def run(code) = described_class.run(command(code), command(code), out: told)

  def runs = File.size("runs")

  it "runs what passes once, and says nothing" do
    run("true")

    expect([runs, told.string]).to eq([1, ""])
  end

  it "names what fails and then passes three times" do
    run("n != 1")

    expect(runs).to eq(1 + described_class::TRIES)
    expect(told.string).to start_with("UNSTEADY, passed when nothing ran beside: #{RbConfig.ruby}")
  end

  it "fails where it passes less often than that" do
    expect { run("n == 2") }.to raise_error(SystemExit).and output(/^FAILED again: /).to_stderr
    expect(runs).to eq(3)
  end
end
