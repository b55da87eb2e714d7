# frozen_string_literal: true

require "kino/check"
require_relative "apps"
require_relative "trial_apps"

RSpec.describe Kino::Check::Trial do
  def trial(app, request = "GET /", **options)
    described_class.run(app, Kino::Check::Request.parse(request), **options)
  end

  def place(text) = CheckApps.place(text, "trial_apps.rb")

  it "answers the status" do
    expect(trial(CheckApps::Plain))
      .to have_attributes(request: "GET /", outcome: :answered, status: 200, exception: nil, passed?: true)
    expect(trial(TrialApps::Fails)).to have_attributes(outcome: :answered, status: 503, passed?: false)
  end

  it "asks what it was told to, as Rack wants it" do
    expect(trial(TrialApps::Mirror, "PUT /path?207")).to have_attributes(status: 207, request: "PUT /path?207")
  end

  it "reads the body and closes it" do
    expect(trial(TrialApps::Streams)).to have_attributes(outcome: :raised, passed?: false,
                                                         exception: { class: "ArgumentError", message: "closed",
                                                                      where: place("raise ArgumentError") })
    expect(trial(TrialApps::Callable)).to have_attributes(outcome: :answered, status: 201)
  end

  it "answers the exception and the app's own line" do
    expect(trial(TrialApps::Raises)).to have_attributes(outcome: :raised, status: nil, passed?: false,
                                                        exception: { class: "IndexError", message: "on purpose",
                                                                     where: place("def self.deeper") })
    expect(trial(TrialApps::Library).exception).to include(class: "ArgumentError", where: place('Integer("x")'))
    expect(trial(TrialApps::Speechless).exception)
      .to include(class: "TrialApps::Speechless::Error", message: "(its message can't be told)")
    expect(trial(TrialApps::Nonsense)).to have_attributes(outcome: :raised)
  end

  it "survives whatever ends the ractor" do
    expect(trial(TrialApps::Throws).exception).to include(class: "UncaughtThrowError")
    expect(trial(TrialApps::Exits).exception).to include(class: "ThreadError", message: include("Thread.exit"))
  end

  it "doesn't wait for ever" do
    # In some orders of the files the ractor never ends then, and rake spec has this example, too.
    is_checked = RUBY_VERSION < "4.0" && ENV["RBS_TEST_TARGET"]
    skip "a ractor of Ruby 3.3 whose methods RBS checks may never wake" if is_checked

    IO.pipe do |reader, writer|
      expect(trial(TrialApps::Waits, "GET /?#{reader.fileno}", limit: 0.05))
        .to have_attributes(outcome: :silent, status: nil, passed?: false)
    ensure
      writer.close
    end
  end
end

RSpec.describe Kino::Check::Request do
  it "reads a method, a path and a query" do
    expect(described_class.parse("GET /")).to have_attributes(verb: "GET", path: "/", query: "", to_s: "GET /")
    expect(described_class.parse("POST /a/b?c=1&d"))
      .to have_attributes(verb: "POST", path: "/a/b", query: "c=1&d", to_s: "POST /a/b?c=1&d")
    expect(Ractor.shareable?(described_class.parse("GET /a?b"))).to be(true)
  end

  it "refuses anything else" do
    ["", "GET", "/", "get /", "GET a", "GET / x", "GET /#a", "GET /\nx", nil].each do |text|
      expect { described_class.parse(text) }
        .to raise_error(ArgumentError, "given #{text.inspect}, allowed: a method and a path, with a query or " \
                                       'without; write "GET /"')
    end
  end
end
