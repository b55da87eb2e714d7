# frozen_string_literal: true

require_relative "../colours"

module Kino
  class CLI
    # What `/stats` says, for a terminal.
    #
    # @api private
    class Report
      # Columns: their titles, and what stands there of a process.
      COLUMNS = {
        "PROCESS" => ->(one) { one["process"] },
        "PID" => ->(one) { one["pid"] },
        "STATE" => ->(one) { one["state"] == "ready" && !one["ready"] ? "not ready" : one["state"] },
        "UP" => ->(one) { Report.time(one["uptime"]) },
        "CONNECTIONS" => ->(one) { one["connections"] },
        "WAIT" => ->(one) { one["queue"] },
        "BUSY" => ->(one) { "#{one["workers"]["busy"]}/#{one["workers"]["all"]}" },
        "STUCK" => ->(one) { one["workers"]["stuck"] },
        "REQUESTS" => ->(one) { one["counters"]["requests"] },
        "PSS" => ->(one) { Report.size(one["memory"]["pss"]) },
        "RSS" => ->(one) { Report.size(one["memory"]["rss"]) },
        "FILES" => ->(one) { one["descriptors"] || "?" },
        "GC" => ->(one) { one["gc"] ? "#{one["gc"]["count"]} (#{one["gc"]["time_ms"]} ms)" : "?" }
      }.freeze
      # Counters that are worth a word when they aren't zero.
      TROUBLE = %w[refused overloaded timed_out aborted late died stuck panics log_dropped].freeze
      UNITS = %w[B KB MB GB TB].freeze
      private_constant :COLUMNS, :TROUBLE, :UNITS

      # @param seconds [Numeric]
      # @return [String]
      def self.time(seconds)
        return "#{seconds.round} s" if seconds < 120
        return "#{(seconds / 60).round} min" if seconds < 7200

        seconds < 172_800 ? "#{(seconds / 3600).round} h" : "#{(seconds / 86_400).round} d"
      end

      # @param bytes [Integer, nil]
      # @return [String]
      def self.size(bytes)
        return "?" unless bytes

        power = bytes.zero? ? 0 : [Math.log(bytes, 1024).floor, UNITS.size - 1].min
        "#{(bytes / (1024.0**power)).round(power > 1 ? 1 : 0)} #{UNITS[power]}"
      end

      # @param stats [Hash] what `/stats` says
      # @param before [Hash, nil] what it has said before, for rates
      # @param colours [Colours]
      def initialize(stats, before = nil, colours: Colours.none)
        @server, @sum, @processes = stats.values_at("server", "sum", "processes")
        @before = before
        @colours = colours
      end

      # @return [String]
      def to_s = [headline, load_line, trouble, "", *table].compact.join("\n")

      private

      def headline
        "Kino #{@server["version"]}, pid #{@server["pid"]}, up #{self.class.time(@server["uptime"])}: " \
          "#{@server["ready"] ? @colours.paint("ready", :green) : @colours.paint("NOT READY", :bold, :red)}"
      end

      def load_line
        workers = @sum["workers"]
        "#{@sum["counters"]["connections"]} connections, #{@sum["queue"]} requests wait, #{workers["busy"]} of " \
          "#{workers["all"]} threads busy#{", #{workers["stuck"]} stuck" if workers["stuck"].positive?}; " \
          "#{@sum["counters"]["requests"]} requests#{rate}, #{self.class.size(@sum["memory"]["pss"])}"
      end

      def rate
        return unless @before

        seconds = @server["uptime"] - @before["server"]["uptime"]
        requests = @sum["counters"]["requests"] - @before["sum"]["counters"]["requests"]
        ", #{(requests / seconds).round} a second" if seconds.positive? && requests >= 0
      end

      def trouble
        counted = @sum["counters"].slice(*TROUBLE).select { |_, count| count.positive? }
        @colours.paint(counted.map { |name, count| "#{name} #{count}" }.join(", "), :yellow) unless counted.empty?
      end

      def table
        rows = @processes.map { |one| COLUMNS.each_value.map { |cell| cell.call(one).to_s } }
        widths = [COLUMNS.keys, *rows].transpose.map { |column| column.map(&:size).max }
        head, *lines = [COLUMNS.keys, *rows].map do |row|
          row.zip(widths).map { |cell, width| cell.rjust(width) }.join("  ")
        end
        [@colours.paint(head, :bold), *lines]
      end
    end
  end
end
