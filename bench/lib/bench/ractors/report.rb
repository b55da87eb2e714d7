# frozen_string_literal: true

require_relative "../table"
require_relative "bars"
require_relative "plan"

module Bench
  module Ractors
    # Results as Markdown.
    class Report
      # Where the bars don't bind: on a Ruby other than the one they were set for.
      LOOSE = { true => "reached", false => "not reached", nil => "" }.freeze
      BASES = [Bars::THREADED, Bars::PUMA].freeze
      LOAD_HEADER = ["req/s", "CPU us/req", "p50 ms", "p99 ms",
                     *BASES.flat_map { |base| ["req/s against #{base}", "CPU against #{base}"] }].freeze

      # @param results [Results]
      # @param facts [Hash{String => String}]
      # @param notes [Array<String>] how the run was made
      # @param binding [Boolean] whether the bars were set for this Ruby
      def initialize(results, facts, notes, binding:)
        @results = results
        @facts = facts
        @notes = notes
        @binding = binding
        @verdicts = Bars.judge(results)
      end

      # @return [Boolean] whether every answer was good and, where the bars bind, each that was measured was reached
      def passed?
        @results.faults.empty? && (!@binding || @verdicts.none? { |verdict| verdict.passed == false })
      end

      # @return [String]
      def to_markdown
        [@facts.map { |name, value| "#{name} #{value}" }.join("; ") + ".", *@notes, loose,
         Table.verdicts(@verdicts, @binding ? Table::PASSED : LOOSE), *loads, memory, crashes,
         Table.faults(@results.faults)].compact.join("\n\n") << "\n"
      end

      private

      def loose
        "The bars are set for Ruby 4.0 or newer, with YJIT; here they are no more than a measure." unless @binding
      end

      def loads
        Plan::LOADS.filter_map do |endpoint, (connections, text)|
          servers = @results.servers(endpoint.name)
          next if servers.empty?

          Table.of(["#{endpoint.name}: #{text} (#{connections} connections)", *LOAD_HEADER],
                   servers.map { |server| load_row(endpoint.name, server) })
        end
      end

      def load_row(endpoint, server)
        rps, cpu_us, p50, p99 = %i[rps cpu_us p50 p99].map { |field| @results.median(endpoint, server, field) }
        ratios = BASES.product(%i[rps cpu_us]).map do |base, field|
          ratio = @results.ratio(endpoint, field, server, base)
          ratio ? Verdict.times(ratio) : "not measured"
        end
        [title(server), Table.number(rps), format("%.1f", cpu_us), format("%.2f", p50), format("%.2f", p99), *ratios]
      end

      def memory
        servers = @results.servers("memory")
        return if servers.empty?

        Table.of(["memory after load, each alone", "PSS MiB"], servers.map do |server|
          [title(server), format("%.1f", @results.median("memory", server, :pss_mib))]
        end)
      end

      def crashes
        ways = @results.servers("crash")
        return if ways.empty?

        header = ["2 ractors; a request ends", "tries", "p50 ms", "max ms", "others served meanwhile"]
        Table.of(header, ways.map do |way|
          tries, served = %i[tries served].map { |field| Table.number(@results.median("crash", way, field)) }
          [way, tries, *%i[p50 max].map { |field| format("%.2f", @results.median("crash", way, field)) }, served]
        end)
      end

      def title(server)
        sizes = Plan::KINO.to_h { |name, _, workers, threads| [name, "#{workers}x#{threads}"] }
        "#{server} #{sizes.fetch(server, "2x3")}"
      end
    end
  end
end
