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

  it "knows where processes mean workers, when those are ractors" do
    workers = described_class.puma_workers("puma.rb", 3)

    expect([workers.label(:processes), workers.write(:processes, 4)]).to eq(["puma.rb:3: workers", "workers 4"])
    expect([workers, described_class.variable("WEB_CONCURRENCY")]).to all(be_by_mode)
    others = [described_class.keyword, described_class.flag("--processes"), described_class.file("puma.rb", 3),
              described_class.variable("PORT"), described_class.rackup_option, described_class.argument]
    expect(others.map(&:by_mode?)).to all(be(false))
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
