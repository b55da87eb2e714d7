# frozen_string_literal: true

require_relative "../judged"
require_relative "bars"
require_relative "plan"
require_relative "redmine"
require_relative "spread"

module Bench
  module Processes
    # Results as Markdown.
    class Report < Judged
      LOADS = {
        **Plan::LOADS.to_h { |name, *, number, servers| [name, ["#{name} (#{number} connections)", servers]] },
        **Redmine::PAGES.to_h { |name, *| [name, ["#{name} (#{Redmine::CONNECTIONS} connections)", Redmine::SERVERS]] }
      }.freeze
      # What is said of each way to ask.
      EVEN = { "even-kept" => "64 clients, 5 ms of CPU, connections kept",
               "even-new" => "64 clients, 5 ms of CPU, a connection for each request" }.freeze

      # @see Judged#initialize
      def initialize(results, facts, settings) = super(results, facts, settings, Bars.judge(results))

      private

      def tables = [*loads, memory, deaths, *evenness, spread]

      def loads
        LOADS.filter_map do |name, (title, all)|
          servers = @results.servers(name)
          next if servers.empty?

          base = servers.max_by { |server| all.index(server) }
          Table.of([title, "req/s", "CPU ms/req", "p50 ms", "p99 ms", "PSS MiB", "req/s against #{base}",
                    "CPU against #{base}", "p99 against #{base}"],
                   servers.map { |server| load_row(name, server, base) })
        end
      end

      def load_row(name, server, base)
        rps, cpu_us, *rest = %i[rps cpu_us p50 p99 pss_mib].map { |field| @results.median(name, server, field) }
        ratios = %i[rps cpu_us p99].map { |field| Verdict.times(@results.ratio(name, field, server, base)) }
        [server, Table.number(rps), format("%.4f", cpu_us / 1000), *rest.map { |value| format("%.2f", value) }, *ratios]
      end

      def memory
        rows("memory", ["rails, after load", "requests", "PSS MiB", "PSS MiB before it", "own MiB of a serving process",
                        "own MiB of all others"]) do |server|
          [Table.number(@results.median("memory", server, :requests)),
           *fields("memory", server, %i[pss_mib idle_mib own_mib others_mib], "%.1f")]
        end
      end

      def deaths
        rows("deaths", ["a process of 4 is killed", "tries", "p50 ms", "max ms"]) do |way|
          [Table.number(@results.median("deaths", way, :tries)), *fields("deaths", way, %i[p50 max], "%.1f")]
        end
      end

      def evenness
        EVEN.map do |way, title|
          rows(way, [title, "the busiest, of its share", "p50 ms", "p99 ms"]) do |server|
            [Verdict.times(@results.median(way, server, :busiest)), *fields(way, server, %i[p50 p99], "%.1f")]
          end
        end
      end

      def spread
        rows("spread", ["#{Spread::CLIENTS} clients, all on one of two processes", "ms until they are spread",
                        "connections closed for it", "clients on the busier one at the end"]) do |server|
          [format("%.0f", @results.median("spread", server, :ms)),
           *%i[closed busiest].map { |field| Table.number(@results.median("spread", server, field)) }]
        end
      end

      def rows(name, header)
        servers = @results.servers(name)
        Table.of(header, servers.map { |server| [server, *yield(server)] }) unless servers.empty?
      end

      def fields(name, server, fields, form)
        fields.map { |field| format(form, @results.median(name, server, field)) }
      end
    end
  end
end
