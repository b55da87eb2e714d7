# frozen_string_literal: true

require "kino/configuration"

RSpec.describe Kino::Configuration::Source do
  it "names its place, and shows what to write there" do
    {
      described_class.keyword => ["threads", "threads: 5"],
      described_class.flag("--threads") => ["--threads", "--threads 5"],
      described_class.variable("RAILS_MAX_THREADS") => ["RAILS_MAX_THREADS", "RAILS_MAX_THREADS=5"],
      described_class.file("kino.rb", 3) => ["kino.rb:3: threads", "threads 5"],
      described_class.file("kino.rb", nil) => ["kino.rb: threads", "threads 5"],
      described_class.rackup_option => ["-O threads", "-O threads=5"],
      described_class.argument => ["the argument", 5]
    }.each { |source, told| expect([source.label(:threads), source.write(:threads, 5)]).to eq(told) }
  end

  it "writes text as each place does" do
    expect(described_class.file("kino.rb", 1).write(:bind, "unix:///a")).to eq('bind "unix:///a"')
    expect(described_class.file("kino.rb", 1).write(:mode, :threaded)).to eq("mode :threaded")
    expect(described_class.flag("--mode").write(:mode, :threaded)).to eq("--mode threaded")
    expect(described_class.rackup_option.write(:bind, "unix:///a")).to eq("-O bind=unix:///a")
  end

  it "writes a yes as each place does" do
    expect(described_class.flag("--quiet").write(:quiet, true)).to eq("--quiet")
    expect(described_class.rackup_option.write(:quiet, true)).to eq("-O quiet")
  end
end
