# frozen_string_literal: true

require "fileutils"
require_relative "bars"
require_relative "tables"

module Bench
  # The charts that README and doc/benchmarks.md show, each in a light and in a dark theme.
  module Charts
    FOLDER = File.join(ROOT, "doc/charts")
    # Those that are shown, as they are shown.
    NAMES = {
      "kino" => "Kino, one process", "puma-single" => "Puma, one process", "puma-cluster" => "Puma, two processes",
      "kino-4" => "Kino, four processes", "kino-4-warm" => "Kino, with on_warmup",
      "kino-4-refork" => "Kino, with refork_after", "puma-4" => "Puma, four processes"
    }.freeze
    LOADS = { "plaintext (" => "13 bytes of text", "10k (" => "10 KB", "cpu (" => "fib(15)",
              "io (" => "waits for 5 ms", "asset (" => "a file of 100 KB", "rails (" => "a page of Rails" }.freeze

    module_function

    # @return [true]
    def write
      FileUtils.mkdir_p(FOLDER)
      all.each { |path, svg| File.write(path, svg) }
      true
    end

    # @return [Boolean] whether those that are there are those of the tables; which are not is said
    def current?
      stale = all.reject { |path, svg| File.exist?(path) && File.read(path) == svg }.keys
      stale.each { |path| Bench.say "#{path.delete_prefix("#{ROOT}/")} is not of today's tables: run bench/charts" }
      stale.empty?
    end

    # @return [Hash{String => String}] SVG by path
    def all
      charts.flat_map do |name, chart|
        Bars::THEMES.keys.map { |theme| [File.join(FOLDER, "#{name}-#{theme}.svg"), chart.to_svg(theme)] }
      end.to_h
    end

    def charts
      { "cpu" => Bars.new("CPU a request", "us", loads("CPU us/req")),
        "p99" => Bars.new("99 of 100 requests are answered within", "ms", loads("p99 ms")),
        "memory" => Bars.new("Memory of four processes", "MiB", [memory]) }
    end

    def loads(column)
      tables = Tables.new("bench/compare")
      LOADS.map { |title, name| Bars::Group.new(name, known(tables.column(title, column))) }
    end

    def memory
      measured = Tables.new("bench/processes").column("rails, after load", "PSS MiB")
      Bars::Group.new("a Rails app after 20,000 requests", known(measured))
    end

    def known(measured) = measured.filter_map { |name, value| [NAMES[name], value] if NAMES[name] }.to_h

    private_class_method :charts, :loads, :memory, :known
  end
end
