# frozen_string_literal: true

require "kino/check"

RSpec.describe "What kino --check says to do next" do
  let(:ractors) { Kino.const_get(:Ractors) }
  let(:mode) { Kino.const_get(:Mode) }

  before do
    allow(ractors).to receive(:parallel?).and_return(true)
    allow(mode).to receive(:closures_stop_ractors?).and_return(false)
  end

  def finding(kind, cure)
    Kino::Check::Finding.new(kind: kind, path: "app", type: nil, value: nil, why: "", where: nil, cure: cure)
  end

  def hazard(where) = Kino::Check::Hazard.new(kind: :global, where: where, code: "$a = 1", why: "", cure: "")

  def steps(findings: [], hazards: [], outcome: findings.any? ? :skipped : :answered, status: 200, exception: nil)
    trial = Kino::Check::Trial.new(request: "GET /", outcome: outcome, status: (status if outcome == :answered),
                                   exception: exception)
    Kino::Check::Report.new(rackup: "config.ru", findings: findings, findings_left_out: 0, hazards: hazards, files: 1,
                            files_left_out: 0, files_unused: 0, trial: trial).next_steps
  end

  let(:threads) { "serve it with threads: `kino`; on all cores: `kino --processes auto`" }

  it "begins with hazards to those who are served today" do
    expect(steps(hazards: [hazard("a.rb:1")]).first)
      .to eq("mend the hazard to threads (a.rb:1): threads run this app unless you choose ractors")
    expect(steps(hazards: [hazard("a.rb:1"), hazard(nil), hazard("b.rb:1"), hazard("c.rb:1")]).first)
      .to start_with("mend the 4 hazards to threads (a.rb:1, $a = 1, b.rb:1, ...)")
  end

  it "has what mends most with one line before what takes thought" do
    blockers = [finding(:unfrozen, "`freeze` at the end of `initialize`, or `freeze_app`"),
                finding(:class_variable, "a frozen constant for what never changes"),
                finding(:constant, "freeze it, and all in it"), finding(:block, "write what it does as a method"),
                finding(:unfrozen, "or `freeze_app`"), finding(:unfrozen, "its gem changes it")]

    expect(steps(findings: blockers))
      .to eq([threads,
              "for ractors, write `freeze_app` in config.ru, before `run`: numbers 1, 5",
              "for ractors, freeze what never changes, where it is made: number 3",
              "for ractors, write methods in place of blocks: number 4",
              "for ractors, do without what a gem keeps for itself: number 6",
              "for ractors, keep what changes out of the app, or one in each ractor: number 2",
              "run `kino --check` again: it calls the app once nothing stands in the way"])
    expect(steps(findings: Array.new(9) { finding(:lock, "drop it") })[1])
      .to end_with("numbers 1, 2, 3, 4, 5, 6 and 3 more")
  end

  it "says of a framework that can't be served so to leave it" do
    expect(steps(findings: [finding(:rails, "x"), finding(:lock, "drop it")]))
      .to eq([threads, "leave ractors alone: Rails can't be served from them, whatever your app does"])
  end

  it "says what a trial has shown" do
    expect(steps(outcome: :raised, exception: { where: "lib/a.rb:3" })[1])
      .to eq("mend what the trial raised, at lib/a.rb:3")
    expect(steps(outcome: :raised, exception: { where: nil })[1..])
      .to eq(["mend what the trial raised", "run `kino --check` again"])
    expect(steps(outcome: :silent)[1]).to start_with("find what it waits for")
    expect(steps(status: 500)[1]).to start_with("look at what it logged above")
  end

  it "goes on, for an app that runs in ractors, to ask more, to choose them, and to measure" do
    expect(steps.map { |step| step[/\A\w+ \S+/] }).to eq(["check other", "write `mode", "measure it"])
    allow(mode).to receive(:closures_stop_ractors?).and_return(true)
    expect(steps[1]).to start_with("turn YJIT off")
  end

  it "has ractors wait for a Ruby where they are parallel" do
    allow(ractors).to receive(:parallel?).and_return(false)

    expect(steps[1..]).to eq([threads, "think of ractors again on Ruby 4.0, where they run in parallel"])
    expect(steps(findings: [finding(:lock, "drop it")])[1])
      .to start_with("for ractors (in parallel from Ruby 4.0 on), keep")
  end
end
