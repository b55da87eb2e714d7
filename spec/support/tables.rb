# frozen_string_literal: true

# The tables of a document, by the heading that they stand under.
module Tables
  ROOT = File.expand_path("../..", __dir__)

  module_function

  # @param path [String] a document, from the root on
  # @return [Hash{String => Array<Array<String>>}] rows of cells, without what heads them
  def of(path)
    heading = nil
    found = Hash.new { |tables, name| tables[name] = [] }
    File.foreach(File.join(ROOT, path), chomp: true).with_object(found) do |line, tables|
      heading = line[/\A#+ (.*)/, 1] || heading
      tables[heading] << cells(line) if line.start_with?("|")
    end
    found.transform_values { |rows| rows.drop(2) }
  end

  # What a cell says, one thing after the other.
  def statements(cell) = cell.split(/(?<=[.;])\s+/)

  def cells(line) = line.delete_prefix("|").delete_suffix("|").split(/(?<!\\)\|/).map(&:strip)
  private_class_method :cells
end
