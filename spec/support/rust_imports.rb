# frozen_string_literal: true

# What the files of a Rust crate import of each other, read off their text: `use` trees and paths, without the tests.
class RustImports
  # @param sources [Hash{String => String}] text by path, relative to the crate's src/
  def initialize(sources)
    @sources = sources.reject { |path, _| path.match?(%r{(\A|/)tests?\.rs\z}) }
    @files = @sources.keys.to_h { |path| [module_of(path), path] }
  end

  # @return [Hash{String => Array<String>}] the files that each file imports
  def edges = @edges ||= @sources.to_h { |path, text| [path, targets(path, text)] }

  # @return [Array<Array<String>>] groups of files that import each other, on whatever way
  def circles
    edges.keys.group_by { |path| reachable(path).select { |other| reachable(other).include?(path) }.sort }
         .keys.reject(&:empty?)
  end

  private

  def module_of(path)
    parts = path.delete_suffix(".rs").delete_suffix("/mod").split("/")
    parts == ["lib"] ? [] : parts
  end

  def targets(path, text)
    code = text.split(/^#\[cfg\(test\)\]\nmod tests \{/).first.gsub(%r{//.*}, "")
    trees = code.scan(/\buse\s+((?:crate|super|self)::[^;]+);/m).flatten.flat_map { |tree| leaves(tree) }
    paths = trees + code.scan(/\b(?:crate|super)(?:::\w+)+/)
    paths.filter_map { |one| file_of(one, module_of(path)) }.uniq - [path]
  end

  # The paths of a `use` tree.
  def leaves(tree)
    tree = tree.gsub(/\s+/, " ").strip
    return [tree] unless (nested = tree.match(/\A([^{]*)\{(.*)\}\z/m))

    split(nested[2]).flat_map { |part| leaves(nested[1] + part) }
  end

  def split(list)
    depth = 0
    parts = list.each_char.slice_before do |char|
      depth += { "{" => 1, "}" => -1 }.fetch(char, 0)
      char == "," && depth.zero?
    end
    parts.map { |part| part.join.delete_prefix(",").strip }.reject(&:empty?)
  end

  def file_of(path, from)
    first, *names = path.split(" as ").first.split("::")
    at = { "crate" => [], "self" => from, "super" => from[0..-2] }.fetch(first)
    at, names = at[0..-2], names.drop(1) while names.first == "super"
    full = at + names
    full = full[0..-2] until full.empty? || @files.key?(full)
    @files[full] unless full.empty?
  end

  def reachable(path)
    @reachable ||= {}
    @reachable[path] ||= begin
      seen = []
      left = edges.fetch(path).dup
      while (one = left.shift)
        next if seen.include?(one)

        seen << one
        left.concat(edges.fetch(one))
      end
      seen
    end
  end
end
