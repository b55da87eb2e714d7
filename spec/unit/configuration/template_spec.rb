# frozen_string_literal: true

require "kino/configuration"
require "kino/configuration/template"
require "tmpdir"

RSpec.describe Kino::Configuration::Template do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  it "has a line for every setting, all of them commented out" do
    described_class.write("kino.rb")
    lines = File.readlines("kino.rb", chomp: true)

    expect(lines).to all(match(/\A(#|\z)/)).and all(satisfy { |line| line.size <= 120 })
    Kino::Configuration::Settings::TABLE.each_key { |name| expect(lines.grep(/\A# #{name} /).size).to eq(1) }
    expect(Kino::Configuration.from([Kino::Configuration::DSL.load("kino.rb")])).to eq(Kino::Configuration.new)
  end

  it "says of each group of settings what it is for" do
    text = described_class.text

    Kino::Configuration::Settings::SECTIONS.each_key do |title|
      expect(text).to match(/^# == #{Regexp.escape(title)}\n#\n# [^=\n]{40,}\n(# .+\n)*\n# /)
    end
  end

  it "works when every setting is uncommented" do
    require "logger" # as the one of that name says
    words = Kino::Configuration::Settings::TABLE.keys.join("|")
    File.write("kino.rb", described_class.text.gsub(/^# ((?:#{words}) (?:\S+|\{.*\}))$/, '\1'))

    expect(Kino::Configuration.from([Kino::Configuration::DSL.load("kino.rb")]))
      .to have_attributes(threads: 5, mode: :threaded, quiet: true, max_connections: 1024, spool_dir: "/var/tmp",
                          stuck_timeout: 60, on_worker_boot: [Proc], on_worker_stop: [Proc],
                          on_thread_boot: [Proc], on_drain: [Proc], on_error: [Proc],
                          lowlevel_error_handler: Proc, processes: 4, preload: false, before_fork: [Proc],
                          on_warmup: [Proc], on_process_boot: [Proc], on_process_exit: [Proc],
                          on_refork: [Proc], refork_after: [1000], recycle_memory: 512 * 1024**2)
  end

  it "says of each setting its default, flags and variables" do
    expect(described_class.text)
      .to include("# Default: 5; 1 in mode :ractor; also -t, --threads, RAILS_MAX_THREADS\n# threads 5\n")
  end

  it "leaves a file that exists alone" do
    File.write("kino.rb", "threads 3")

    expect { described_class.write("kino.rb") }.to raise_error(
      Kino::ConfigurationError, "kino.rb exists already and is left as it is; name another file: kino --init FILE"
    )
    expect(File.read("kino.rb")).to eq("threads 3")
  end

  it "says when a file can't be written" do
    expect { described_class.write("no/kino.rb") }
      .to raise_error(Kino::ConfigurationError, %r{\Ano/kino\.rb can't be written \(No such file or directory\); name})
  end
end
