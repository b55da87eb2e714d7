# frozen_string_literal: true

require "fileutils"
require "stringio"
require "tmpdir"
require_relative "../../rakelib/suite"

# What runs all the others.
RSpec.describe Suite do
  around { |example| Dir.mktmpdir { |folder| @folder = folder and example.run } }

  def write(path, text)
    FileUtils.mkdir_p(File.dirname("#{@folder}/#{path}"))
    File.write("#{@folder}/#{path}", text)
  end

  # A folder of specs whose examples say whether they pass.
  def specs(**examples)
    write(".rspec", "--require ./spec/spec_helper.rb\n")
    write("spec/spec_helper.rb",
          "RSpec.configure { |config| config.example_status_persistence_file_path = '#{described_class::ENDED}' }\n")
    FileUtils.mkdir_p("#{@folder}/spec/integration")
    examples.each do |name, code|
      write("spec/#{name}_spec.rb", "RSpec.describe('it') { it('is so') { #{code} } }\n")
    end
  end

  # Whether all is well, and what is told.
  def run(**settings)
    told = StringIO.new
    [described_class.new(@folder, jobs: 2, out: told, **settings).run, told.string]
  end

  it "runs each folder, and each file that is in none" do
    specs("unit/one": "File.write('one', '')", "integration/env/two": "File.write('two', '')",
          three: "File.write('three', '')")

    expect(run).to match([true, /^== rspec spec\/unit: passed in \d+ s$/])
    expect(Dir.children(@folder)).to include("one", "two", "three")
  end

  it "runs those it is asked for, as RSpec is told" do
    specs("unit/one": "File.write('one', '')", "unit/two": "File.write('two', '')", three: "expect(1).to eq(2)")

    expect(run(paths: ["spec/unit"], options: %w[--exclude-pattern spec/unit/two_spec.rb]).first).to be(true)
    expect(Dir.children(@folder)).to include("one").and(satisfy { |names| !names.include?("two") })
  end

  it "fails where one example does, each time, and says what it says" do
    specs("unit/one": "expect(1).to eq(2)", two: "expect(1).to eq(1)")

    expect(run).to match([false, %r{expected: 2.*^FAILED again: \./spec/unit/one_spec\.rb\[1:1\]$}m])
  end

  it "names one that fails and then passes three times" do
    specs("unit/one": "File.write('runs', 'x', mode: 'a'); expect(File.size('runs')).not_to eq(1)")

    expect(run).to match([true, %r{^UNSTEADY, passed when nothing ran beside: \./spec/unit/one_spec\.rb\[1:1\]$}])
    expect(File.size("#{@folder}/runs")).to eq(1 + described_class::TRIES)
  end

  it "fails where it passes less often than that" do
    specs("unit/one": "File.write('runs', 'x', mode: 'a'); expect(File.size('runs').odd?).to be(false)")

    expect(run).to match([false, /^FAILED again/])
  end

  it "fails at once where what has not been come to can't be known" do
    specs("unit/one": "exit!(0) if File.write('runs', 'x', mode: 'a')", "integration/env/two": "exit!(1)")

    expect(run).to match([false, %r{^Failed: .*spec/integration/env}])
    expect(File.size("#{@folder}/runs")).to eq(1)
  end

  it "fails at once where more fail than a machine is to blame for" do
    specs("unit/one": "expect(File.write('runs', 'x', mode: 'a')).to eq(0)")
    text = File.read("#{@folder}/spec/unit/one_spec.rb")
    write("spec/unit/one_spec.rb", text * (described_class::MANY + 1))

    expect(run.first).to be(false)
    expect(File.size("#{@folder}/runs")).to eq(described_class::MANY + 1)
  end
end
