# frozen_string_literal: true

require_relative "configuration"

module Kino
  # Tells whether an app can run in `:ractor` mode, and what may go wrong in `:threaded` mode; the command is
  # `kino --check`. An app isn't changed by it: nothing is frozen, and none of its code runs but in the trial. One that
  # shares itself (`ractorize!`) is asked to in a forked process.
  #
  # @example
  #   require "kino/check"
  #   report = Kino::Check.report(app)
  #   report.ractor?             # => false
  #   report.findings.first.path # => "app.@app.@cache"
  #   puts report
  #
  # Its parts are five: `parser/` reads Ruby files, `search/` finds what is reachable and stands in the way of ractors,
  # `hazards/` finds what is unsafe with threads, `trial` and `sharing_trial` call the app in a ractor, and `output/`
  # tells of it all. Each is loaded when it is asked for.
  module Check
    autoload :Command, "#{__dir__}/check/output/command"
    autoload :Finding, "#{__dir__}/check/output/report"
    autoload :Hazard, "#{__dir__}/check/output/report"
    autoload :Loaded, "#{__dir__}/check/hazards/loaded"
    autoload :Hazards, "#{__dir__}/check/hazards/hazards"
    autoload :Rails, "#{__dir__}/check/hazards/rails"
    autoload :Report, "#{__dir__}/check/output/report"
    autoload :Request, "#{__dir__}/check/trial"
    autoload :Search, "#{__dir__}/check/search/search"
    autoload :SharingTrial, "#{__dir__}/check/sharing_trial"
    autoload :Sources, "#{__dir__}/check/search/sources"
    autoload :Trial, "#{__dir__}/check/trial"

    # Objects of a Rails app that are looked at, and findings that are told of: enough for a short answer.
    RAILS = { objects: 3000, limit: 10 }.freeze
    private_constant :RAILS

    class << self
      # @param app [#call] a Rack app
      # @param request [String] what the app is asked for in the trial, a method and a path; default `"GET /"`
      # @param rackup [String] the file the app is from; those Ruby files of its folder that are loaded are looked
      #   through for hazards. Default `"config.ru"` in the current folder
      # @param threads [Integer, nil] requests that run at once, which a database pool has to have connections for;
      #   default workers x threads of a {Configuration} without settings
      # @param loaded [#include?] which files the app has loaded; default those that Ruby has
      # @return [Report]
      # @raise [ArgumentError] for a request that is none
      def report(app, request: "GET /", rackup: "config.ru", threads: nil, loaded: Loaded.new)
        request = Request.parse(request)
        rails = Rails.here
        hazards = Hazards.new(rackup, loaded: loaded)
        found = hazards.find + (rails ? rails.hazards(threads || default_threads) : [])
        findings, left_out, trial = try(app, request, rails)
        Ractor.make_shareable(Report.new(rackup: rackup.dup, findings: findings, findings_left_out: left_out,
                                         hazards: found, files: hazards.files, files_left_out: hazards.left_out,
                                         files_unused: hazards.unused, trial: trial))
      end

      # What keeps the app out of `:ractor` mode, as far as that can be told without calling it.
      #
      # @param app [#call] a Rack app
      # @return [Array<Finding>] the first hundred; empty when there are none. It is never empty for an app that isn't
      #   `Ractor.shareable?`
      def findings(app) = search(app, Rails.here).last

      private

      def try(app, request, rails)
        if SharingTrial.for?(app)
          findings, trial = SharingTrial.run(app, request)
          return [findings, 0, trial]
        end

        search, findings = search(app, rails)
        [findings, search.left_out, findings.empty? ? Trial.run(app, request) : Trial.skip(request)]
      end

      def search(app, rails)
        search = Search.new(Sources.new, code: rails.nil?, **(rails ? RAILS : {}))
        findings = search.run(app)
        [search, [*rails&.finding, *findings]]
      end

      def default_threads = Configuration.new.capacity
    end
  end
end
