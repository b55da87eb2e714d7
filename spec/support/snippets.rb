# frozen_string_literal: true

require "shellwords"

# What README and doc/ have a reader copy: pieces of Ruby, and commands.
module Snippets
  ROOT = File.expand_path("../..", __dir__)
  FILES = ["README.md", *Dir.glob("doc/*.md", base: ROOT)].freeze
  # What a command begins with.
  PROGRAM = %r{\A(?:bundle|kino|rackup|curl|bin/\w+|[A-Z_]+=\S+)\z}

  # A piece of Ruby, and where it begins.
  Piece = Data.define(:file, :line, :text) do
    # The first word of code.
    def word = text[/^(?!#)\s*(\w+)/, 1]

    def to_s = "#{file}:#{line}"
  end

  # A command as the words of it, those that set its environment first.
  Command = Data.define(:file, :line, :words) do
    # Without what finds the program.
    def program = words.drop_while { |word| word.include?("=") || %w[bundle exec].include?(word) }

    def to_s = "#{file}:#{line}: #{words.shelljoin}"
  end

  class << self
    # @return [Array<Piece>]
    def ruby = blocks("ruby").map { |file, line, text| Piece.new(file, line, text) }

    # All of those in blocks of shell, and indented lines that begin as a command does.
    #
    # @return [Array<Command>]
    def commands
      of_program = ->(command) { command.words.first.match?(PROGRAM) }
      indented.flat_map { |block| commands_of(*block) }.select(&of_program) +
        blocks("sh").flat_map { |block| commands_of(*block) }
    end

    private

    def commands_of(file, line, text)
      text.lines.flat_map { |each| each.split(/ {2,}#|; /).first(each.include?("; ") ? 9 : 1) }
          .map(&:shellsplit).reject(&:empty?).map { |words| Command.new(file, line, words) }
    end

    def blocks(language)
      each_file do |file, text|
        text.to_enum(:scan, /^```#{language}\n(.*?)^```$/m).map do
          [file, line_of(Regexp.last_match), Regexp.last_match[1]]
        end
      end
    end

    # Blocks in fences hold none, whatever their language.
    def indented
      each_file do |file, text|
        bare = text.gsub(/^```.*?^```$/m) { |block| "\n" * block.count("\n") }
        bare.to_enum(:scan, /^ {4}(\S.*)$/).map { [file, line_of(Regexp.last_match), Regexp.last_match[1]] }
      end
    end

    def each_file = FILES.flat_map { |file| yield file, File.read(File.join(ROOT, file)) }

    def line_of(match) = match.pre_match.count("\n") + 1
  end
end
