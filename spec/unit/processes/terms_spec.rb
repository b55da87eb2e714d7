# frozen_string_literal: true

require "kino"
require "kino/processes/terms"
require "delegate"
require "logger"
require "open3"

RSpec.describe Kino.const_get(:Terms) do
  def terms(**settings) = described_class.of(Kino::Configuration.new(**settings))

  it "are what a configuration says, in each mode" do
    configuration = Kino::Configuration.new(processes: 3, threads: 4, workers: 2, quiet: true, drain_delay: 1.5)
    known = described_class.load(described_class.of(configuration).dump)
    names = %i[mode bind quiet preload restart_timeout drain_delay refork_after processes workers threads
               threads_in_words notes]
    told = ->(settings) { names.map { |name| settings.public_send(name) } }

    expect(told.call(known)).to eq(told.call(configuration))
    expect(told.call(known.with(mode: :ractor))).to eq(told.call(configuration.with(mode: :ractor)))
    expect([known.logger, terms(logger: Logger.new(nil)).logger]).to eq([false, true])
  end

  it "are of no class that another program may not have" do
    text = Class.new(String)
    seconds = Struct.new(:to_f) { def to_i = to_f.to_i }
    configuration = SimpleDelegator.new(Kino::Configuration.new)
    { environment: text.new("production"), shutdown_timeout: seconds.new(5), drain_delay: seconds.new(0.5),
      refork_after: [seconds.new(20), false], with: configuration }.each do |name, value|
      configuration.define_singleton_method(name) { |*, **| value }
    end
    told, status = Open3.capture2e(RbConfig.ruby, "--disable=all", "-e", "p Marshal.load($stdin.read)",
                                   stdin_data: described_class.of(configuration).dump, binmode: true)

    expect(status).to be_success, told
    expect(told).to match(/:environment=>"production".*:shutdown_timeout=>5.*:drain_delay=>0.5.*after=>\[20, false\]/)
  end

  it "are none where another version of Kino's has made them" do
    expect(["", "text", Marshal.dump([]), Marshal.dump({ mode: :threaded })].map { |text| described_class.load(text) })
      .to all(be_nil)
  end
end
