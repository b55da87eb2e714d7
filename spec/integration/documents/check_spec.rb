# frozen_string_literal: true

require "kino/check"
require_relative "../../support/kino_process"
require_relative "../../support/snippets"

# What doc/check.md shows of an app is what comes of that app.
RSpec.describe "doc/check.md" do
  include KinoProcess::Helpers

  header = "# frozen_string_literal: true\n\n"
  # The one that it doesn't show.
  counter = <<~RUBY
    # Counts. It may be wrong by some.
    class Counter
      @@hits = 0

      def initialize(app)
        @app = app
      end

      def call(env)
        @@hits += 1
        @app.call(env)
      end
    end
  RUBY
  text = File.read(File.join(Snippets::ROOT, "doc/check.md"))
  shown = text.scan(/^```\n(config\.ru .*?)^```$/m).flatten
  config, shop, cured = ["# config.ru", "# lib/shop.rb", "def call"].map do |start|
    Snippets.ruby.find { |piece| piece.file == "doc/check.md" && piece.text.start_with?(start) }.text
  end

  # As words, for it is broken into lines; older Rubies keep what is a ractor's own in another way, which it names, and
  # say of ractors that it takes a newer one.
  def words(text)
    text = text.gsub(/\s\(in\sparallel\sfrom\sRuby\s4\.0\son\)/, "")
    text = text.gsub(/Ractor\.store_if_absent\(:(\w+)\)\s\{\s(.+?)\s\}`/m) { "Ractor.current[:#{$1}] ||= #{$2}`" }
    text.split
  end

  # What `kino --check` says in the folder of that app.
  def checked
    check = kino("--check")
    check.status
    words(check.out)
  end

  it "shows what is said of an app" do
    write("config.ru", config)
    write("lib/shop.rb", header + shop)
    write("lib/counter.rb", header + counter)
    expect(checked).to eq(words(shown.first))
  end

  it "shows what is said when it is mended" do
    skip "Ruby #{RUBY_VERSION} has no Ractor.store_if_absent" unless Ractor.respond_to?(:store_if_absent)

    write("config.ru", "freeze_app\n#{config.gsub(/^.*ounter.*\n/, "")}")
    mended = shop.sub(/^  def initialize.*?^  end\n\n/m, "").sub(/^  def call.*?^  end\n/m, cured.gsub(/^(?=.)/, "  "))
    write("lib/shop.rb", header + mended.sub("}\n", "}.freeze\n"))
    expect(checked).to eq(words(shown.last))
  end

  it "shows what a report has" do
    app = Class.new do
      def initialize = @app = Struct.new(:cache).new.tap { |it| it.instance_variable_set(:@cache, {}) }.freeze
      def call(_env) = [200, {}, []]
    end.new.freeze
    piece = Snippets.ruby.find { |each| each.file == "doc/check.md" && each.word == "require" }.text
    report = Dir.chdir(folder) { Kino::Check.report(app, request: "GET /") }
    expect(report.ractor?).to be(false)
    expect(report.findings.map(&:path)).to eq(eval(piece[/findings\.map.*# => (.*)/, 1])) # rubocop:disable Security/Eval
    expect(report.trial.outcome).to eq(eval(piece[/outcome.*# => (.*)/, 1])) # rubocop:disable Security/Eval
    piece.scan(/^report\.(\w+\??)/).flatten.each { |name| expect(report).to respond_to(name) }
    expect(Kino::Check.findings(app).map(&:path)).to eq(report.findings.map(&:path))
  end
end
