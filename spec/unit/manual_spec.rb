# frozen_string_literal: true

require "open3"
require_relative "../../rakelib/manual"

RSpec.describe "man/kino.1" do
  let(:page) { File.read(Manual::PAGE) }

  # What a reader sees, in one line.
  def shown
    out, status = Open3.capture2e({ "MANWIDTH" => "100", "LC_ALL" => "C.UTF-8" }, "man", "--local-file",
                                  "--no-justification", "--no-hyphenation", Manual::PAGE)
    expect(status).to be_success, out
    out.gsub(/.\x08|\e\[[\d;]*m/, "").gsub(/[‐−]/, "-").split.join(" ")
  end

  def there?(command) = ENV["PATH"].split(":").any? { |folder| File.executable?("#{folder}/#{command}") }

  it "is what rake doc:man makes of the options, commands and settings" do
    expect(page).to eq(Manual.text), "man/kino.1 is not up to date: rake doc:man writes it"
  end

  it "has every flag, command, setting and variable" do
    plain = page.gsub("\\-", "-").gsub("\\(aq", "'").gsub("\\(dq", '"')
    flags = Kino::CLI::Options.new([]).flags.flat_map(&:names)
    settings = Kino::Configuration::Settings::TABLE.values
    commands = %w[status requests metrics top restart reload stop]

    expect([*flags, *settings.map { |setting| setting.name.to_s }, *settings.flat_map(&:variables), *commands])
      .to all(satisfy { |word| plain.match?(/^(\.B )?.*(?<![\w-])#{Regexp.escape(word)}(?![\w-])/) })
    expect(plain).to include(*Kino::Configuration::Settings::SECTIONS.keys)
  end

  it "has nothing that man warns of, and shows what was written" do
    skip "no man" unless there?("man") && there?("groff")
    _, err, status = Open3.capture3({ "MANWIDTH" => "100", "LC_ALL" => "C.UTF-8" }, "man", "--warnings=all",
                                    "--local-file", "--encoding=utf8", Manual::PAGE)
    expect([status.success?, err]).to eq([true, ""])
    expect(shown).to include("-m, --mode NAME How workers run. :threaded runs any Rack app, Rails included",
                             "kino --check", "{ |worker| warn \"worker \#{worker}\" }")
  end

  it "has nothing that mandoc takes for an error" do
    skip "no mandoc" unless there?("mandoc")
    out, = Open3.capture2e("mandoc", "-T", "lint", "-W", "error", Manual::PAGE)

    expect(out).to eq("")
  end
end
