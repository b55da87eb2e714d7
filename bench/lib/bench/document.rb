# frozen_string_literal: true

require "fileutils"
require_relative "problem"

module Bench
  # doc/benchmarks.md: prose by people, and between two markers what bench/compare writes.
  module Document
    PATH = File.join(ROOT, "doc/benchmarks.md")
    FIRST = "<!-- bench/compare --write: begin -->"
    LAST = "<!-- bench/compare --write: end -->"

    module_function

    # @param markdown [String]
    # @raise [Problem] when the markers are not there
    def write(markdown)
      before, found, rest = File.read(PATH).partition(FIRST)
      _, closed, after = rest.partition(LAST)
      if found.empty? || closed.empty?
        raise Problem, "doc/benchmarks.md needs the lines #{FIRST} and #{LAST}, in that order"
      end

      File.write(PATH, "#{before}#{FIRST}\n#{markdown}#{LAST}#{after}")
    rescue Errno::ENOENT
      raise Problem, "there is no doc/benchmarks.md to write to"
    end
  end
end
