# frozen_string_literal: true

require_relative "bars"
require_relative "plan"
require_relative "table"

module Bench
  # Results as Markdown.
  class Report
    FIELDS = %i[rps cpu_us p50 p99 pss_mib].freeze
    COLUMNS = ["req/s", "CPU us/req", "p50 ms", "p99 ms", "PSS MiB"].freeze

    # @param results [Results]
    # @param facts [Hash{String => String}]
    # @param settings [String] how the run was made
    # @param groups [Array<Plan::Group>] who took part
    def initialize(results, facts, settings, groups)
      @results = results
      @facts = facts
      @settings = settings
      @groups = groups
      @verdicts = Bars.judge(results)
    end

    # @return [Boolean] whether every bar that was measured was reached, without a faulty answer
    def passed?
      @verdicts.none? { |verdict| verdict.passed == false } && @results.faults.empty?
    end

    # @return [String]
    def to_markdown
      [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", @settings, Table.verdicts(@verdicts), *loads,
       idle, Table.faults(@results.faults)].compact.join("\n\n") << "\n"
    end

    private

    def loads
      (@results.endpoints - ["idle"]).map do |endpoint|
        base = (%w[puma-cluster puma-single] & @results.servers(endpoint)).first
        header = ["#{endpoint} (#{connections(endpoint)} connections)", *COLUMNS]
        header += ["req/s against #{base}", "CPU against #{base}"] if base
        Table.of(header, @results.servers(endpoint).map { |server| load_row(endpoint, server, base) })
      end
    end

    def load_row(endpoint, server, base)
      rps, cpu_us, p50, p99, pss_mib = FIELDS.map { |field| @results.median(endpoint, server, field) }
      row = ["#{server} #{size(endpoint, server)}", Table.number(rps), format("%.1f", cpu_us), format("%.2f", p50),
             format("%.2f", p99), format("%.1f", pss_mib)]
      row += %i[rps cpu_us].map { |field| format("%.2fx", @results.ratio(endpoint, field, server, base)) } if base
      row
    end

    def idle
      servers = @results.servers("idle")
      return if servers.empty?

      Table.of(["idle keep-alive connections", "1,000: CPU % of a core", "10,000: KiB each"], servers.map do |server|
        [server, format("%.2f", @results.median("idle", server, :cpu_percent)),
         format("%.1f", @results.median("idle", server, :kib_each))]
      end)
    end

    def group(endpoint)
      @groups.find { |group| group.endpoints.any? { |known| known.name == endpoint } }
    end

    def connections(endpoint)
      group(endpoint).connections
    end

    def size(endpoint, server)
      group(endpoint).contenders.find { |contender| contender.name == server }.size
    end
  end
end
