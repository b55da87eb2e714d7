# frozen_string_literal: true

require_relative "../../server/mode"
require_relative "../../workers/ractors"

module Kino
  module Check
    # What to do about a report, in order: what matters to those who are served today comes first, and what mends most
    # with one line before what takes thought.
    #
    # @api private
    class NextSteps
      # Kinds of findings that mean a whole framework: what else stands in the way doesn't matter then.
      FRAMEWORKS = { rails: "Rails", sinatra: "Sinatra" }.freeze
      # Ways to mend findings, the shortest first: which those are, and what to do.
      WAYS = [
        [->(one) { one.cure.include?("freeze_app") }, "write `freeze_app` in config.ru, before `run`"],
        [->(one) { one.kind == :roda }, "give Roda a route block that ractors can share"],
        [->(one) { one.cure.start_with?("freeze") }, "freeze what never changes, where it is made"],
        [->(one) { %i[block method define_method iterator].include?(one.kind) }, "write methods in place of blocks"],
        [->(one) { one.cure.match?(/\bgem\b/) }, "do without what a gem keeps for itself"],
        [->(_) { true }, "keep what changes out of the app, or one in each ractor"]
      ].freeze
      # Numbers that are written out.
      SHOWN = 6
      private_constant :FRAMEWORKS, :WAYS, :SHOWN

      # @param report [Report]
      def initialize(report) = @report = report

      # @return [Array<String>]
      def steps = [*hazards, *(@report.ractor? ? ready : blocked)]

      private

      def hazards
        all = @report.hazards
        return [] if all.empty?

        places = all.map { |one| one.where || one.code }.first(3).join(", ")
        more = all.size > 3 ? ", ..." : ""
        ["mend the #{"#{all.size} " if all.size > 1}hazard#{"s" if all.size > 1} to threads (#{places}#{more}): " \
         "threads run this app unless you choose ractors"]
      end

      # Of an app that runs in ractors.
      def ready
        others = "check other paths, too, one at a time: `kino --check --request \"GET /items\"`"
        later = "think of ractors again on Ruby 4.0, where they run in parallel"
        return [others, threads, later] unless Ractors.parallel?

        [others, *("turn YJIT off for ractors on this Ruby" if Mode.closures_stop_ractors?),
         "write `mode :ractor` in kino.rb, or start `kino -m ractor`: a worker for each CPU, in one process",
         "measure it against `kino --processes auto` with your own requests, and keep what is faster"]
      end

      def blocked
        framework = @report.findings.filter_map { |finding| FRAMEWORKS[finding.kind] }.first
        leave = "leave ractors alone: #{framework} can't be served from them, whatever your app does"
        return [threads, leave] if framework

        again = ": it calls the app once nothing stands in the way" if found?
        [threads, *ways, *trial, "run `kino --check` again#{again}"]
      end

      def threads = "serve it with threads: `kino`; on all cores: `kino --processes auto`"

      def found? = @report.findings.any?

      def ways
        left = @report.findings.each_with_index.to_a
        aim = "for ractors#{" (in parallel from Ruby 4.0 on)" unless Ractors.parallel?}"
        WAYS.filter_map do |which, what|
          mended, left = left.partition { |finding, _| which.call(finding) }
          "#{aim}, #{what}: #{numbers(mended)}" if mended.any?
        end
      end

      # Of findings, as the list above has them.
      def numbers(mended)
        all = mended.map { |_, index| index + 1 }
        "number#{"s" if all.size > 1} #{all.first(SHOWN).join(", ")}" \
          "#{" and #{all.size - SHOWN} more" if all.size > SHOWN}"
      end

      def trial
        return [] if found?

        where = @report.trial.exception&.fetch(:where)
        case @report.trial.outcome
        when :raised then ["mend what the trial raised#{", at #{where}" if where}"]
        when :silent then ["find what it waits for: in a ractor, nothing may wait for the main one"]
        else ["look at what it logged above: its answer was an error"]
        end
      end
    end
  end
end
