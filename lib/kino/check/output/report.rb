# frozen_string_literal: true

require_relative "../../version"
require_relative "../../workers/ractors"
require_relative "next_steps"
require_relative "text"

module Kino
  module Check
    # What a check found. It is frozen, and holds words alone.
    #
    # @!attribute [r] rackup
    #   @return [String] the file the app is from, as it was named
    # @!attribute [r] findings
    #   @return [Array<Finding>] what keeps the app out of `:ractor` mode
    # @!attribute [r] findings_left_out
    #   @return [Integer] how many more there are
    # @!attribute [r] hazards
    #   @return [Array<Hazard>] what may go wrong in `:threaded` mode
    # @!attribute [r] files
    #   @return [Integer] files that were looked through for hazards
    # @!attribute [r] files_left_out
    #   @return [Integer] files that weren't, since there are too many
    # @!attribute [r] files_unused
    #   @return [Integer] files that weren't, since the app has not loaded them
    # @!attribute [r] trial
    #   @return [Trial] the app's call in a ractor
    Report = Data.define(:rackup, :findings, :findings_left_out, :hazards, :files, :files_left_out, :files_unused,
                         :trial) do
      # @return [Boolean] whether the app runs in `:ractor` mode: nothing stands in the way, and it answered in a ractor
      def ractor? = findings.empty? && trial.passed?

      # @return [Hash{Symbol => Object}] all of it, of Strings, numbers, Arrays and Hashes; what `--format json` prints
      def to_h
        { kino: VERSION, ruby: RUBY_VERSION, parallel: Ractors.parallel?, rackup: rackup, ractor: ractor?,
          findings: findings.map(&:to_h), findings_left_out: findings_left_out, trial: trial.to_h,
          hazards: hazards.map(&:to_h), files: files, files_left_out: files_left_out, files_unused: files_unused,
          next_steps: next_steps }
      end

      # @return [Array<String>] what to do about it, in order
      def next_steps = NextSteps.new(self).steps

      # @return [String] all of it, to be read
      def to_s = Text.new(self).to_s
    end

    # One thing that keeps an app out of `:ractor` mode. It holds words alone, never the app's objects.
    #
    # @!attribute [r] kind
    #   @return [Symbol] what it is, for programs: `:unfrozen`, `:block`, `:method`, `:lock`, `:queue`, `:io`,
    #     `:thread`, `:logger`, `:iterator`, `:native`, `:constant`, `:class_ivar`, `:class_variable`, `:global`,
    #     `:define_method`, `:require`, `:rails`, `:sinatra`, `:roda`, `:ractorize` or `:unknown`
    # @!attribute [r] path
    #   @return [String] the way to it from the app, `app.@app.@cache`, or its name, `App::CACHE`
    # @!attribute [r] type
    #   @return [String, nil] the name of its class; nil where it is no object
    # @!attribute [r] value
    #   @return [String, nil] the object in short; nil where it is no object
    # @!attribute [r] why
    #   @return [String] what is wrong with it
    # @!attribute [r] where
    #   @return [String, nil] file:line where it was made or is used; nil where that can't be told
    # @!attribute [r] cure
    #   @return [String] what to do about it
    Finding = Data.define(:kind, :path, :type, :value, :why, :where, :cure) do
      # @return [String] in one line: what, why and where
      def to_s = "#{path}: #{why}#{" (#{where})" if where}"

      # @return [Hash{Symbol => String, nil}] for JSON; `type` is called `class` there
      def to_h
        { kind: kind.to_s, path: path, class: type, value: value, why: why, where: where, cure: cure }
      end
    end

    # One thing that may go wrong when several threads run the app's code at once.
    #
    # @!attribute [r] kind
    #   @return [Symbol] what it is, for programs: `:class_variable`, `:class_ivar`, `:memoised`, `:global`,
    #     `:constant`, `:class_setter`, `:thread_local`, `:require`, `:autoload`, `:eager_load`, `:reloading`,
    #     `:database_pool` or `:logger`
    # @!attribute [r] where
    #   @return [String, nil] file:line; nil where that can't be told
    # @!attribute [r] code
    #   @return [String] the line, or the setting, as it is written
    # @!attribute [r] why
    #   @return [String] what may happen
    # @!attribute [r] cure
    #   @return [String] the safe way to write it
    Hazard = Data.define(:kind, :where, :code, :why, :cure) do
      # @return [Hash{Symbol => String, nil}] for JSON
      def to_h = super.merge(kind: kind.to_s)
    end
  end
end
