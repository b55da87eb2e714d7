# frozen_string_literal: true

require_relative "../../../bench/lib/bench/charts/all"

RSpec.describe "charts" do
  it "are those of the tables in doc/benchmarks.md" do
    expect { expect(Bench::Charts.current?).to be(true) }.not_to output.to_stderr
  end

  # Elements that are open when all has been read, or are closed without having been opened.
  def unbalanced(svg)
    svg.scan(%r{<(/?)(\w+)[^<>]*?(/?)>}).each_with_object([]) do |(closes, name, empty), open|
      next unless empty.empty?
      next open.push(name) if closes.empty?
      break [name] unless open.pop == name
    end
  end

  it "are well-formed, say in words what they show, and have no bar without its number" do
    Bench::Charts.all.each_value do |svg|
      expect(unbalanced(svg)).to eq([])
      bars = svg.scan("<rect ").size
      expect(bars).to be_positive
      expect(svg[%r{<desc>(.*)</desc>}, 1].scan(/[\d.]+ (?:us|ms|MiB)[;.]/).size).to eq(bars)
    end
  end

  it "are shown in both themes, by documents that say what they are" do
    shown = %w[README.md doc/benchmarks.md].flat_map do |path|
      full = File.join(Bench::ROOT, path)
      File.read(full).scan(/(?:src|srcset)="(.*?\.svg)"/).map { |(svg)| File.expand_path(svg, File.dirname(full)) }
    end
    expect(shown.uniq).to match_array(Bench::Charts.all.keys)
  end

  it "say what is missing where a table is not there" do
    tables = Bench::Charts::Tables.new("bench/compare", "nothing")
    expect { tables.column("plaintext (", "p99 ms") }.to raise_error(Bench::Problem, /no table "plaintext \("/)
  end
end
