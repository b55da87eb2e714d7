# frozen_string_literal: true

require_relative "files"
require_relative "hazard"
require_relative "hazard_rules"
require_relative "source"

module Kino
  module Check
    # Looks through an app's own files for what goes wrong when threads run it at once.
    #
    # @api private
    class Hazards
      # Folders that aren't the app, or aren't run by requests.
      SKIPPED = %w[vendor node_modules spec test tests features tmp log coverage pkg .git .bundle].freeze
      # Files that are read, at most.
      LIMIT = 2000
      private_constant :SKIPPED, :LIMIT

      # @return [Integer] files that were read
      attr_reader :files
      # @return [Integer] files that weren't, since there are too many
      attr_reader :left_out

      # @param rackup [String] the config.ru; the files of its folder are read too
      def initialize(rackup)
        @rackup = File.expand_path(rackup)
        @files = @left_out = 0
      end

      # @return [Array<Hazard>] by file and line
      def find
        sources = read
        rules = HazardRules.new(sources)
        sources.flat_map do |source|
          rules.facts(source).map { |fact, kind| hazard(source, fact, kind) }.uniq
        end
      end

      private

      def read
        paths = [(@rackup if File.file?(@rackup)), *walk(File.dirname(@rackup)).sort].compact.uniq
        @left_out = [paths.size - LIMIT, 0].max
        sources = paths.first(LIMIT).filter_map { |path| Source.read(path) }
        @files = sources.size
        sources
      end

      # Folder by folder, so that those that are skipped aren't walked either.
      def walk(folder)
        Dir.children(folder).flat_map do |name|
          path = File.join(folder, name)
          if File.symlink?(path) then []
          elsif File.directory?(path) then SKIPPED.include?(name) ? [] : walk(path)
          else name.end_with?(".rb") ? [path] : []
          end
        end
      rescue SystemCallError
        []
      end

      def hazard(source, fact, kind)
        why, cure = HazardRules.words(kind, fact)
        Hazard.new(kind: kind, where: Files.place(source.path, fact.line), code: source.code(fact.line), why: why,
                   cure: cure)
      end
    end
  end
end
