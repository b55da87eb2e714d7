# frozen_string_literal: true

require "prism"
require "rbconfig"
require_relative "reader"

module Kino
  module Check
    # Which files are the app's own, and how a place in one is written.
    #
    # @api private
    module Files
      # What comes with Ruby, with its packages and with Kino.
      FOREIGN = [*%w[rubylibdir archdir sitedir vendordir rubyarchdir].map { |name| RbConfig::CONFIG[name] },
                 File.expand_path("../..", __dir__)].compact.map { |folder| "#{folder}/" }.freeze
      private_constant :FOREIGN

      module_function

      # @param path [String, nil] of a file
      # @return [Boolean] whether it is there and belongs neither to a gem, nor to Ruby, nor to Kino
      def own?(path)
        return false unless path && File.file?(path)

        full = File.expand_path(path)
        !full.start_with?(*FOREIGN, *Gem.path.map { |folder| "#{folder}/" })
      end

      # @param path [String]
      # @param line [Integer]
      # @return [String] `lib/app.rb:3`, from the current folder where the file is in there; a gem's from the gem's:
      #   `rack-3.1.8/lib/rack/lint.rb:30`
      def place(path, line)
        full = File.expand_path(path)
        folders = [Dir.pwd, *Gem.path.map { |folder| "#{folder}/gems" }]
        folder = folders.find { |one| full.start_with?("#{one}/") }
        "#{folder ? full.delete_prefix("#{folder}/") : full}:#{line}"
      end
    end

    # What a Ruby file does that matters to a check, read with Prism and never run.
    #
    # @api private
    class Source
      # @return [String] the file
      attr_reader :path
      # @return [Array<Fact>] in the order of the file
      attr_reader :facts
      # @return [Hash{String => String, nil}] classes and modules that are opened here, and the superclass as written
      attr_reader :modules

      # @param path [String]
      # @return [Source, nil] nil for a file that can't be read or isn't Ruby
      def self.read(path)
        text = File.read(path, encoding: Encoding::UTF_8)
        result = Prism.parse(text)
        new(path, text, result.value) if result.errors.empty?
      rescue SystemCallError
        nil
      end

      # @param path [String]
      # @param text [String] what the file has
      # @param tree [Prism::Node]
      def initialize(path, text, tree)
        @path = path
        @lines = text.lines
        reader = Reader.new
        tree.accept(reader)
        @facts = reader.facts.sort_by(&:offset)
        @modules = reader.modules
        @definitions = reader.definitions
        @blocks = reader.blocks
      end

      # @param line [Integer]
      # @return [String] its code, without what surrounds it
      def code(line) = @lines.fetch(line - 1, "").scrub.strip

      # @param name [Symbol] a method's
      # @param line [Integer] where Ruby says it begins
      # @return [Definition, nil]
      def definition(name, line)
        here = @definitions.select { |definition| definition.line == line }
        here.find { |definition| definition.name == name } || here.find { |definition| definition.via != :attr }
      end

      # @param line [Integer] where Ruby says it begins
      # @return [Array<Prism::LambdaNode, Prism::BlockNode>] every block that begins there
      def blocks(line) = @blocks.select { |block| block.location.start_line == line }

      # @param range [Range<Integer>] bytes of the file
      # @return [Array<Fact>] what stands in there
      def facts_in(range)
        first = @facts.bsearch_index { |fact| fact.offset >= range.begin } or return []
        @facts[first..].take_while { |fact| range.cover?(fact.offset) }
      end
    end
  end
end
