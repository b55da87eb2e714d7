# frozen_string_literal: true

require "kino/check"
require "tmpdir"
require_relative "apps"

RSpec.describe Kino::Check::SharingTrial do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  # Shares itself as the block does it.
  def sharing(&block)
    Class.new do
      define_method(:initialize) { @lock = Mutex.new }
      define_method(:ractorize!) { instance_exec(&block) }

      def call(_env) = [200, {}, ["shared"]]
    end.new
  end

  # Which ractors can call.
  let(:app) { CheckApps::Sharing.new }

  it "has an app share itself, and calls it in a ractor, in another process: here it is as it was" do
    report = Kino::Check.report(app)

    expect(report).to have_attributes(ractor?: true, findings: [], findings_left_out: 0,
                                      trial: have_attributes(outcome: :answered, status: 200))
    expect(app).not_to be_frozen
  end

  it "tells what the app did in the ractor" do
    report = Kino::Check.report(CheckApps::Sharing.new(status: 500))

    expect(report).to have_attributes(ractor?: false, trial: have_attributes(outcome: :answered, status: 500))
  end

  it "names what kept it from sharing itself, and where, and makes no trial" do
    report = Kino::Check.report(sharing { raise "no cache of this kind" })

    expect(report).to have_attributes(ractor?: false, trial: have_attributes(outcome: :skipped))
    expect(report.findings).to match([have_attributes(
      kind: :ractorize, path: "app", why: "its ractorize! raised RuntimeError: no cache of this kind",
      where: /sharing_trial_spec\.rb:\d+\z/, cure: include("mode :threaded", "doc/rails.md")
    )])
    expect(report.to_s).to include("can't run in :ractor mode: 1 thing stands in the way")
    expect(report.to_h[:findings].first).to include(kind: "ractorize", value: nil)
  end

  it "says so where that ends its process" do
    [[sharing { Process.kill(:KILL, Process.pid) }, "SIGKILL"], [sharing { exit!(3) }, "exit status 3"]]
      .each do |one, fate|
      expect(Kino::Check.report(one).findings.first.why).to eq("its ractorize! ended its process (#{fate})")
    end
  end

  it "says so where it doesn't end" do
    stub_const("#{described_class}::PATIENCE", 0)
    app = sharing { sleep }

    expect(described_class.run(app, Kino::Check::Request.parse("GET /"), limit: 0.1).first.first.why)
      .to eq("its ractorize! doesn't end")
  end

  it "is for apps alone that know how, and aren't shared yet" do
    expect([app, CheckApps::Plain, Ractor.make_shareable(CheckApps::Sharing.new.tap(&:ractorize!))]
      .map { |one| described_class.for?(one) }).to eq([true, false, false])
  end
end
