# frozen_string_literal: true

# Can the Rails at hand be served from ractors of the Ruby at hand? This boots the app of this folder, tries, and prints
# what stands in the way, which repairs it takes, and what that gives. From this folder:
#
#     BUNDLE_GEMFILE=../../Gemfile bundle exec ruby ractor_probe.rb
#
# The last line says SUCCEEDED, with how many requests are answered as threads answer them, and the exit status is 0;
# or BLOCKED with the number of blockers, and it is 1. PROBE_DEADLINE is how many seconds a step may take, 60 unless it
# says otherwise. PROBE_SECONDS is how long requests are counted in each mode: 5, and with 0 no server is started.

ENV["RAILS_ENV"] ||= "production"
Warning[:experimental] = false

require_relative "requirements"
require_relative "probe/steps"
require_relative "probe/table"

module RactorProbe
  # What is printed, and in which order it is tried.
  class Report
    def initialize
      @blockers = 0
      @all = Cases::ALL.size
    end

    # @return [Integer] the exit status
    def run
      puts RUBY_DESCRIPTION, "Rails #{Rails.version}, Rack #{Rack.release}"
      title("What it takes of Ruby, Rails and Rack:")
      missing = Requirements.missing
      puts "  nothing is missing" if missing.empty?
      missing.each { |words| tell(what: words.split.first, error: words) }
      booted = Steps.boot
      booted.empty? ? try(missing) : booted.each { |one| tell(**one) }
      verdict
    end

    private

    def try(missing)
      @right = Steps.by_threads.first
      return tell(**@right) if @right.key?(:error)

      Cases.failed(@right).each { |name| tell(what: name, error: "answered #{@right[name].first} by threads, too") }
      missing.empty? ? with_repairs : without
      Table.new(@right, ractors: @served == @all).print
    end

    # As far as that goes.
    def without
      title("In a ractor:")
      shared, unshared = Steps.answers([]), Steps.unshared
      tell(**shared.first) unless answers?(shared)
      compare(unshared)
      Steps.variables.each { |one| tell(**one) }
      title("Repairs, of which none helps until nothing is missing (whether they find what they repair):")
      Repairs.all.each do |repair|
        failed = Steps.applies(repair).first
        puts "  #{repair.name}: #{failed ? "no, #{failed[:error]}" : "yes"}"
      end
    end

    def with_repairs
      title("As it is, in a ractor:")
      before = @blockers
      compare(Steps.answers(Repairs.all.map(&:name)))
      Steps.variables.each { |one| tell(**one) }
      @blockers = before # which the repairs are for
      title("With the repairs of repairs/:")
      @served = compare(Steps.answers([]))
      title("Without one of them:")
      Repairs.all.each { |repair| leave_out(repair) }
    end

    def leave_out(repair)
      found = Steps.answers([repair.name])
      unless answers?(found)
        return puts "  #{repair.name}: still needed, without it the app can't be shared (#{found.first[:error]})"
      end

      failed = failures(found.first)
      return puts "  #{repair.name}: not needed here" if failed.empty?

      reason = found.last[failed.first]
      puts "  #{repair.name}: still needed, without it #{failed.size} of #{@all} fail, such as #{failed.first}",
           *("    #{reason[:error]}" if reason), *("    #{reason[:where]}" if reason&.dig(:where)),
           "    upstream: #{repair.upstream}"
    end

    # How many are right. What failed in the same way is told once.
    def compare(found)
      return tell(**found.first) unless answers?(found)

      answers, errors = found
      failed = failures(answers)
      served = answers.keys - failed
      puts "  #{served.size} of #{@all} requests are answered as threads answer them#{": " if served.any?}",
           *served.each_slice(5).map { |names| "    #{names.join("; ")}" }
      told = failed.map { |name| errors[name] || { what: name, error: "answered #{answers[name].inspect[0, 80]}" } }
      told.group_by { |one| one.values_at(:error, :where) }
          .each_value { |ones| tell(**ones.first, what: ones.map { |one| one[:what] }.join(", ")) }
      @all - failed.size
    end

    def answers?(found) = found.size == 2 && found.first.key?(Cases::ALL.keys.first)

    def failures(answers) = answers.keys.reject { |name| answers[name] == @right[name] }

    # A blocker.
    def tell(what:, error:, where: nil)
      @blockers += 1
      puts "  #{what}: BLOCKED", "    #{error}", *("    #{where}" if where)
    end

    def title(words) = puts("", words)

    def verdict
      good = @served == @all && @blockers.zero?
      puts "", good ? "SUCCEEDED #{@served} of #{@all} requests, with repairs" : "BLOCKED by #{@blockers}"
      good ? 0 : 1
    end
  end
end

$stdout.sync = true
exit(RactorProbe::Report.new.run)
