# frozen_string_literal: true

# Can the Rails at hand be served from a ractor of the Ruby at hand? This boots the app of this folder, tries, and
# prints what stands in the way. From this folder:
#
#     BUNDLE_GEMFILE=../../Gemfile bundle exec ruby ractor_probe.rb
#
# The last line says SUCCEEDED with what the requests were answered, and the exit status is 0; or BLOCKED with the
# number of blockers, and it is 1. PROBE_DEADLINE is how many seconds a step may take: 60, unless it says otherwise.

ENV["RAILS_ENV"] ||= "production"
Warning[:experimental] = false

require_relative "ractor_probe/box"
require_relative "ractor_probe/steps"

module RactorProbe
  # What is printed; ractor_probe/steps.rb has what is tried.
  module Report
    class << self
      # The exit status.
      def run
        worlds = { "In a ractor:" => Steps.run }
        worlds["In a ractor, all of it in a Ruby::Box:"] = Box.run if Box.here?
        worlds.transform_values! { |found| merge(found) }

        puts versions
        worlds.each { |title, found| puts("", title, found.map { |one| text(one) }) }
        puts "", verdict(worlds.values)
        succeeded(worlds.values) ? 0 : 1
      end

      private

      # What failed in the same way is told once.
      def merge(found)
        answers, blockers = found.partition { |one| one[:status] }
        same = blockers.group_by { |one| one.values_at(:error, :where) }.values
        answers + same.map { |ones| { **ones.first, what: ones.map { |one| one[:what] }.join(", ") } }
      end

      # Without Rails there is a blocker that says so.
      def versions
        rails = defined?(Rails.version) && Rails.version
        rack = defined?(Rack.release) && Rack.release
        [RUBY_DESCRIPTION, "Rails #{rails || "isn't loaded"}, Rack #{rack || "isn't loaded"}"]
      end

      def text(one)
        return "  #{one[:what]}: #{one[:status]}" if one[:status]

        ["  #{one[:what]}: BLOCKED", "    #{one[:error]}", *("    #{one[:where]}" if one[:where])]
      end

      def verdict(worlds)
        answers = succeeded(worlds) or return "BLOCKED by #{worlds.flatten.count { |one| one[:error] }}"
        "SUCCEEDED #{answers.map { |one| "#{one[:what]} #{one[:status]}" }.join(", ")}"
      end

      # Rails is served where all requests are answered as they have to be, whatever else ractors may not do.
      def succeeded(worlds)
        answers = worlds.map { |found| found.select { |one| one[:status].is_a?(Integer) } }
        answers.find { |some| some.size == GETS.size }
      end
    end
  end
end

pipe = ENV.delete("PROBE_PIPE")
pipe ? RactorProbe::Box.answer(IO.for_fd(Integer(pipe))) : exit(RactorProbe::Report.run)
