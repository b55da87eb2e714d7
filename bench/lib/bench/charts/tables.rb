# frozen_string_literal: true

require_relative "../document"

module Bench
  module Charts
    # Tables that a command has written into doc/benchmarks.md.
    class Tables
      # @param command [String] whose they are
      # @param text [String] the document's
      def initialize(command, text = File.read(Document::PATH))
        @command = command
        @part = Document.new(command).part(text)
      end

      # @param title [String] what its first cell begins with
      # @param column [String]
      # @return [Hash{String => Float}] what each of its rows has there, by the row's first word
      # @raise [Problem] when there is no such table, or column
      def column(title, column)
        head, _, *rows = @part[/^\| #{Regexp.escape(title)}.*?(?=\n\n|\n\z)/m].to_s.lines.map { |line| cells(line) }
        at = head&.index(column)
        raise Problem, "#{@command} has written no table #{title.inspect} with #{column.inspect}" unless at

        rows.to_h { |row| [row.first[/\S+/], row[at].delete(",").to_f] }
      end

      private

      def cells(line) = line.strip.delete_prefix("|").delete_suffix("|").split("|").map(&:strip)
    end
  end
end
