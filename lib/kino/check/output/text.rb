# frozen_string_literal: true

require_relative "../../colours"
require_relative "../../server/mode"

module Kino
  module Check
    # A report as text for people.
    #
    # @api private
    class Text
      # Columns of a line.
      WIDTH = 100
      # Findings that are shown, and hazards.
      SHOWN = 20
      # Columns of the words before what they name.
      LABEL = 8
      private_constant :WIDTH, :SHOWN, :LABEL

      # @param report [Report]
      # @param colours [Colours]
      def initialize(report, colours = Colours.none)
        @report = report
        @trial = report.trial
        @colours = colours
      end

      # @return [String] verdict, findings, hazards, trial, and what to do next
      def to_s
        first = @colours.paint(verdict, :bold, @report.ractor? ? :green : :red)
        [first, *findings, *hazards, trial, next_steps].join("\n\n")
      end

      private

      def verdict
        return wrap("#{@report.rackup} runs in :ractor mode.#{contention}") if @report.ractor?

        "#{@report.rackup} can't run in :ractor mode: #{obstacle}."
      end

      def obstacle
        return "it can be shared, but failed when it was called" if count.zero?

        count == 1 ? "1 thing stands in the way" : "#{count} things stand in the way"
      end

      def contention
        if Mode.closures_stop_ractors?
          " Turn YJIT off there: on this Ruby, with YJIT, each block that becomes a Proc stops all ractors."
        elsif !Ractors.parallel?
          " On Ruby #{RUBY_VERSION} ractors wait for each other, so :auto takes threads; from 4.0 on they are parallel."
        end
      end

      def count = @report.findings.size + @report.findings_left_out

      def findings = listed(@report.findings, count) { |finding, title| finding(finding, title) }

      def finding(finding, title)
        type = finding.type unless finding.value.to_s.start_with?("#<", "Set[")
        block("#{title} #{finding.path}", what: [type, finding.value].compact.uniq.join(" "), why: finding.why,
                                          where: finding.where, cure: finding.cure)
      end

      def hazards
        all = @report.hazards.size
        return ["For :threaded mode: no hazards found in #{looked}."] if all.zero?

        ["For :threaded mode, #{all} hazard#{"s" if all > 1} in #{looked}:",
         *listed(@report.hazards, all) { |hazard, title| hazard(hazard, title) }]
      end

      def looked
        "#{@report.files} file#{"s" unless @report.files == 1}" \
          "#{" (#{@report.files_left_out} more weren't read)" if @report.files_left_out.positive?}" \
          "#{" (without #{@report.files_unused} that the app has not loaded)" if @report.files_unused.positive?}"
      end

      def hazard(hazard, title)
        return block("#{title} #{hazard.code}", why: hazard.why, cure: hazard.cure) unless hazard.where

        block("#{title} #{hazard.where}", code: hazard.code, why: hazard.why, cure: hazard.cure)
      end

      def listed(all, count)
        shown = all.first(SHOWN).each_with_index.map { |one, index| yield one, "#{index + 1}." }
        more = count - shown.size
        return shown unless more.positive?

        [*shown, "... and #{more} more#{" (--format json has #{all.size} of them)" if all.size > SHOWN}"]
      end

      def trial
        case @trial.outcome
        when :skipped then "Trial: not made, since it would fail."
        when :silent then "Trial: #{@trial.request} in a ractor had no answer in time."
        when :answered then "Trial: #{@trial.request} in a ractor answered #{@trial.status}.#{doubt}"
        else block("Trial: #{@trial.request} in a ractor raised", error: @trial.exception[:class],
                                                                  why: @trial.exception[:message],
                                                                  where: @trial.exception[:where])
        end
      end

      def next_steps
        steps = @report.next_steps.each_with_index.map { |step, index| "#{index + 1}. #{wrap(step, 3)}" }
        "#{@colours.paint("Next:", :bold)}\n#{steps.join("\n")}"
      end

      def doubt = @trial.passed? ? nil : " What it logged above tells why."

      def block(title, **lines)
        filled = lines.reject { |_, text| text.to_s.empty? }
        [@colours.paint(title, :bold), *filled.map { |name, text| line(name, text) }].join("\n")
      end

      def line(name, text)
        "#{@colours.paint(name.to_s.rjust(LABEL), :faint)}  #{wrap(text, LABEL + 2)}"
      end

      # Breaks lines between words, but not within code; all lines but the first are indented.
      def wrap(text, indent = 0)
        lines = text.scan(/(?:`[^`]*`|\S)+/).each_with_object([+""]) do |word, done|
          next done << +word if indent + done.last.size + word.size >= WIDTH

          done.last << " " unless done.last.empty?
          done.last << word
        end
        lines.join("\n#{" " * indent}")
      end
    end
  end
end
