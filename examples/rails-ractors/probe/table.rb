# frozen_string_literal: true

require "etc"
require_relative "servers"

module RactorProbe
  # Threads, processes and ractors beside each other: requests a second, and memory.
  class Table
    # How long requests are counted for each.
    SECONDS = Integer(ENV.fetch("PROBE_SECONDS", "5"))
    # So many workers are compared for speed, and so many for memory.
    COUNTS = [[Etc.nprocessors, 4].min, 8].freeze

    # @param right [Hash{String => Array}] what is to be answered
    # @param ractors [Boolean] whether ractors can serve
    def initialize(right, ractors:)
      @right = right
      @ractors = ractors
    end

    # @return [void]
    def print
      return if SECONDS.zero?

      puts "", "Kino in each mode, #{Servers.wrk? ? "#{SECONDS} s of wrk each" : "not counted, since there is no wrk"}:"
      puts line("", "as threads", *Servers::TARGETS.flat_map { |target| ["GET #{target}", "CPU in us"] }, "PSS in MB")
      [false, *(true if yjit?)].each do |yjit|
        modes.each { |name, arguments| puts row("#{name}#{", YJIT" if yjit}", arguments, yjit) }
      end
    end

    private

    def yjit? = RbConfig::CONFIG["YJIT_SUPPORT"] == "yes"

    def modes
      few, many = COUNTS
      threads = { "5 threads" => %w[-m threaded -w 1 -t 5] }
      processes = COUNTS.to_h { |n| ["#{n} processes", %W[-m threaded -w 1 -t 1 --processes #{n}]] }
      ractors = [1, few, many].uniq.to_h { |n| ["#{n} ractor#{"s" if n > 1}", %W[-m ractor -w #{n} -t 1]] }
      { **threads, **processes, **(@ractors ? ractors : {}) }
    end

    def row(name, arguments, yjit)
      cells = Servers.serve(*arguments, yjit: yjit) do |server|
        answers = Servers.answers(server.url)
        other = answers.keys.reject { |which| answers[which] == @right[which] }
        rates = Servers::TARGETS.flat_map { |target| Servers.wrk? ? server.rate(target, SECONDS) : %w[? ?] }
        ["#{answers.size - other.size} of #{answers.size}", *rates, server.memory || "?",
         *("  but #{other.join(", ")}" if other.any?)]
      end
      line(name, *(cells || ["does not start"]))
    end

    def line(name, *cells) = "  #{name.ljust(20)}#{cells.map { |cell| cell.to_s.rjust(13) }.join}"
  end
end
