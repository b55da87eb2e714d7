# frozen_string_literal: true

require "kino/ractor_logger"
require "pathname"
require "tmpdir"
require_relative "../support/eventually"

RSpec.describe Kino::RactorLogger do
  include Eventually

  around { |example| Dir.mktmpdir { |folder| @folder = folder and example.run } }

  let(:path) { File.join(@folder, "app.log") }
  let(:ractors) { Kino.const_get(:Ractors) }
  let(:plain) { Ractor.make_shareable(Class.new { def self.call(_, _, _, message) = "#{message}\n" }) }

  before { require "kino/workers/ractors" }

  def lines = File.readlines(path, chomp: true)

  it "writes as Ruby's Logger does, each line at once" do
    logger = described_class.new(path, progname: "app", level: :info)
    logger.debug("not this")
    logger.warn("this")

    expect(lines).to match([/\AW, \[\S+ #\d+\]  WARN -- app: this\z/])
    expect(logger.flush).to be(logger)
  end

  it "takes a Pathname, and says when the file can't be opened" do
    described_class.new(Pathname.new(path)).info("one")

    expect(lines.size).to eq(1)
    expect { described_class.new(File.join(@folder, "none", "app.log")) }.to raise_error(Errno::ENOENT)
  end

  it "refuses any other stream, which belongs to one ractor, and says what is allowed" do
    File.open(path, "w") do |file|
      expect { described_class.new(file) }.to raise_error(ArgumentError, /allowed: a file's path, \$stdout or \$std/)
    end
  end

  it "writes to standard error and output as they are when it does" do
    err, out = [$stderr, $stdout].map { |io| described_class.new(io, formatter: plain) }

    expect { err.info("said") }.to output("said\n").to_stderr
    expect { out.info("said") }.to output("said\n").to_stdout
  end

  it "can be shared, and all ractors write whole lines to one file" do
    logger = Ractor.make_shareable(described_class.new(path, formatter: plain))
    all = Array.new(3) do |number|
      ractors.start(logger, number) { |log, mine| 200.times { |line| log.info("#{mine} #{line} #{"x" * 2000}") } }
    end
    all.each { |ractor| ractors.value(ractor) }

    wanted = [0, 1, 2].product([*0..199]).map { |mine, line| "#{mine} #{line} #{"x" * 2000}" }
    expect(lines.sort).to eq(wanted.sort)
  end

  it "writes to a new file once the old one is renamed" do
    logger = described_class.new(path, formatter: plain)
    logger.info("old")
    File.rename(path, "#{path}.1")
    eventually("there is a new file") do
      logger.info("new")
      File.exist?(path)
    end

    expect(File.readlines("#{path}.1", chomp: true).first).to eq("old")
    expect(lines.uniq).to eq(["new"])
  end

  it "opens the file anew at once when it is told to, and after it was closed" do
    logger = described_class.new(path, formatter: plain)
    logger.info("old")
    File.rename(path, "#{path}.1")
    logger.reopen
    logger.info("new")
    logger.close
    logger.info("newer")

    expect(lines).to eq(%w[new newer])
  end
end
