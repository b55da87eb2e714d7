# frozen_string_literal: true

require "json"
require "kino/check"
require "stringio"
require "tmpdir"

RSpec.describe Kino::Check::Command do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  before { File.write("config.ru", "$stdout.puts 'loading'\nrun ->(_env) { [200, {}, []] }\n") }

  let(:out) { StringIO.new }
  let(:err) { StringIO.new }
  let(:left) { [] }

  def run(format: "text")
    configuration = Kino::Configuration.new(workers: 2, threads: 3)
    described_class.new(configuration, request: "GET /a", format: format, out: out, err: err,
                                       leave: ->(status) { left << status }).run
  end

  # A report whose trial came to this.
  def report(outcome, status = nil)
    trial = Kino::Check::Trial.new(request: "GET /a", outcome: outcome, status: status, exception: nil)
    Kino::Check::Report.new(rackup: "config.ru", findings: [], findings_left_out: 0, hazards: [], files: 1,
                            files_left_out: 2, files_unused: 0, trial: trial)
  end

  it "reports on the app, and keeps what it prints apart" do
    before = $stdout

    expect(run).to eq(1)
    expect(out.string).to start_with("config.ru can't run in :ractor mode: 1 thing stands in the way.")
    expect(err.string).to eq("loading\n")
    expect($stdout).to be(before)
  end

  it "gives standard output back when the app can't be loaded" do
    before = $stdout
    File.write("config.ru", "raise 'broken'")

    expect { run }.to raise_error(Kino::AppLoadError)
    expect($stdout).to be(before)
  end

  it "writes JSON, and nothing else" do
    expect(run(format: "json")).to eq(1)
    expect(JSON.parse(out.string)).to include("ractor" => false)
  end

  it "asks what it was told to, with as many threads as there will be" do
    allow(Kino::Check).to receive(:report).and_return(report(:answered, 204))

    expect(run).to eq(0)
    expect(Kino::Check).to have_received(:report)
      .with(respond_to(:call), request: "GET /a", rackup: "config.ru", threads: 6,
                                       loaded: satisfy { |loaded| loaded.include?(File.expand_path("config.ru")) })
  end

  it "leaves without waiting for a ractor that doesn't answer" do
    allow(Kino::Check).to receive(:report).and_return(report(:silent))

    run
    expect(left).to eq([1])
    expect(out.string).to include("no hazards found in 1 file (2 more weren't read).")
      .and include("Trial: GET /a in a ractor had no answer in time.")
  end
end
