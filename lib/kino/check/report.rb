# frozen_string_literal: true

require_relative "../workers/ractors"
require_relative "../version"
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
    # @!attribute [r] trial
    #   @return [Trial] the app's call in a ractor
    Report = Data.define(:rackup, :findings, :findings_left_out, :hazards, :files, :files_left_out, :trial) do
      # @return [Boolean] whether the app runs in `:ractor` mode: nothing stands in the way, and it answered in a ractor
      def ractor? = findings.empty? && trial.passed?

      # @return [Hash{Symbol => Object}] all of it, of Strings, numbers, Arrays and Hashes; what `--format json` prints
      def to_h
        { kino: VERSION, ruby: RUBY_VERSION, parallel: Ractors.parallel?, rackup: rackup, ractor: ractor?,
          findings: findings.map(&:to_h), findings_left_out: findings_left_out, trial: trial.to_h,
          hazards: hazards.map(&:to_h), files: files, files_left_out: files_left_out }
      end

      # @return [String] all of it, to be read
      def to_s = Text.new(self).to_s
    end
  end
end
